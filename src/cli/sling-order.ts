/** What is slung, wherever it goes. */
export type Sling = {
  readonly id: string;
  readonly by: string;
  /** Null: words alone. */
  readonly formula: string | null;
  readonly vars: Readonly<Record<string, string>>;
  readonly title: string | null;
  readonly text: string | null;
  readonly priority: number;
};
