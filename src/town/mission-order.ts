/** A mission that something else than a person starts. */
export type MissionDraft = {
  readonly title?: string | undefined;
  readonly work: readonly DraftItem[];
  readonly notify: readonly string[];
  readonly budget?: { readonly usd: number } | undefined;
};

export type DraftItem = {
  readonly id: string;
  readonly title?: string | undefined;
  readonly rig: string;
  readonly formula: string;
  readonly vars: Readonly<Record<string, string>>;
  readonly origins?: Readonly<Record<string, string>> | undefined;
  readonly needs?: readonly string[];
  readonly priority?: number;
};

/** `key`: however often it is asked for, there is one mission of it. */
export type MissionOrder = { readonly key: string; readonly input: MissionDraft };
