/** Molecules that are drawn for a test, and what is said to them: of each as much as a message can get wrong. */
import * as fc from 'fast-check';

export type Gate = { readonly kind: 'human' } | { readonly kind: 'mail'; readonly about: string };

/**
 * `person` closes by a message, `worked` by sessions, `fan` by a message that brings the list of what it adds; a group and a loop close
 * by themselves.
 */
type Kind = 'person' | 'worked' | 'fan' | 'group' | 'loop';

/** As the formula has it. */
export type Planned = {
  readonly id: string;
  readonly kind: Kind;
  readonly needs: readonly string[];
  readonly gate: Gate | null;
  /** The group that it is in. */
  readonly parent: string | null;
  /** The loop in whose body it is, of the first iteration. */
  readonly loop: string | null;
  /** Of a loop: the most iterations, and whether all of them are done or each is judged. */
  readonly max: number;
  readonly isCounted: boolean;
  /** Of a fan: one entry of its list after the other. */
  readonly isSequential: boolean;
};

/** The formula that is bonded; the second of its steps needs the first. */
export const MORE = { name: 'more', steps: ['in', 'out'] } as const;

type Drawn = {
  readonly kind: Kind;
  readonly needs: readonly number[];
  readonly gate: Gate | null;
  readonly max: number;
  readonly isCounted: boolean;
  readonly isSequential: boolean;
  /** Of a loop, steps of its body. */
  readonly body: number;
  /** Of a group. */
  readonly children: readonly Drawn[];
};

const TOPS_MAX = 6;

type Drawing = {
  /** Steps that sessions work on. */
  readonly isWorked: boolean;
  /** Loops that go round a number of times, and forget. */
  readonly isCounted: boolean;
};

/** Each step needs some of those before it. */
export function somePlan(drawing: Drawing): fc.Arbitrary<readonly Planned[]> {
  const children = fc.array(someStep(drawing, false, fc.constant([])), { minLength: 1, maxLength: 3 });
  return fc.array(someStep(drawing, true, children), { minLength: 3, maxLength: TOPS_MAX }).map(planOf);
}

function someStep(
  { isWorked, isCounted }: Drawing,
  isTop: boolean,
  children: fc.Arbitrary<readonly Drawn[]>,
): fc.Arbitrary<Drawn> {
  const plain: readonly Kind[] = [
    'person',
    'person',
    'person',
    'fan',
    'fan',
    'loop',
    ...(isTop ? ['group' as const] : []),
  ];
  return fc.record({
    kind: fc.constantFrom<Kind>(...plain, ...(isWorked ? (['worked', 'worked', 'worked'] as const) : [])),
    needs: fc.array(fc.nat(TOPS_MAX * 2), { maxLength: 3 }),
    gate: fc.option(fc.constantFrom<Gate>({ kind: 'human' }, { kind: 'mail', about: 'news' }), { freq: 4 }),
    max: fc.integer({ min: 1, max: 3 }),
    isCounted: isCounted ? fc.boolean() : fc.constant(false),
    isSequential: fc.boolean(),
    body: fc.integer({ min: 1, max: 2 }),
    children,
  });
}

/** In the order in which they are cooked: a group before its children, a loop before its body. */
function planOf(tops: readonly Drawn[]): readonly Planned[] {
  const plan: Planned[] = [];
  const known: string[] = [];
  const add = (drawn: Drawn, id: string, parent: string | null): void => {
    const { kind, max, isSequential } = drawn;
    const needs = [...new Set(drawn.needs.flatMap((at) => known[at] ?? []))];
    const one: Planned = {
      id,
      kind,
      needs,
      gate: kind === 'loop' ? null : drawn.gate,
      parent,
      loop: null,
      max,
      // A loop that goes round a number of times stands in no group.
      isCounted: drawn.isCounted && parent === null,
      isSequential,
    };
    plan.push(one);
    if (kind === 'group') drawn.children.forEach((child, at) => add(child, `${id}.c${at}`, id));
    if (kind === 'loop')
      for (const at of Array.from({ length: drawn.body }).keys()) {
        const before = at === 0 ? needs : [`${id}.iter1.b${at - 1}`];
        plan.push({ ...one, id: `${id}.iter1.b${at}`, kind: 'person', needs: before, loop: id });
      }
    known.push(id);
  };
  tops.forEach((drawn, at) => add(drawn, `s${at}`, null));
  return plan;
}

/** As on the wire; `by`, or of a mail `from`, tells one from another. */
export type Said = {
  readonly name: 'close' | 'skip' | 'fail' | 'retry' | 'approve' | 'pause' | 'resume' | 'mail' | 'bond';
  readonly content: {
    readonly [more: string]: unknown;
    readonly id?: string;
    readonly by?: string;
    readonly step?: string | readonly string[];
    readonly token?: string;
    readonly outcome?: string;
    readonly output?: { readonly list: string[] };
    /** Of a retry `true`: go back to before the step. */
    readonly from?: string | true;
    readonly subject?: string;
    /** Of a bond the step that it comes after; it stands beside the others when there is none. */
    readonly after?: string;
  };
};

/** Somebody's choice among the steps that stand so when it is said, among all of them, or none of them. */
type Choice = { readonly among: readonly string[] | 'begun' | 'all' | (typeof INVENTED)[number]; readonly at: number };
/** Under the token that the step has, or one that it, or another, had before. */
type Under = 'none' | 'now' | 'before';

/** What somebody wants to say, before it is known how the molecule stands then. */
export type Wish = {
  readonly name: Said['name'];
  readonly content: Omit<Said['content'], 'step' | 'token' | 'after'>;
  readonly steps: readonly Choice[];
  readonly under: Under;
};

/** What somebody knows of a molecule who says something to it. */
type Known = {
  readonly stands: Readonly<Record<string, string>>;
  /** The tokens that steps had, the last one last. */
  readonly tokens: ReadonlyMap<string, readonly string[]>;
};

const INVENTED = ['nobody', '__proto__', 'S1'] as const;

export function saidBy({ name, content, steps, under }: Wish, known: Known): Said {
  const chosen = steps.map((choice) => chosenIn(choice, known.stands));
  const [step] = chosen;
  const tokens = known.tokens.get(step ?? '') ?? [];
  const token = under === 'now' ? tokens.at(-1) : under === 'before' ? tokens[content['nth'] as number] : undefined;
  const { nth: _nth, ...rest } = content;
  if (name === 'bond') return { name, content: { ...rest, ...(step === undefined ? {} : { after: step }) } };
  return {
    name,
    content: {
      ...rest,
      ...(step === undefined ? {} : { step: chosen.length > 1 ? chosen : step }),
      ...(token === undefined ? {} : { token }),
    },
  };
}

function chosenIn({ among, at }: Choice, stands: Known['stands']): string {
  if (INVENTED.some((name) => name === among)) return String(among);
  const fits = (stand: string) => among === 'all' || (among === 'begun' ? stand !== 'pending' : among.includes(stand));
  const ids = Object.entries(stands).flatMap(([id, stand]) => (fits(stand) ? [id] : []));
  const all = ids.length > 0 ? ids : Object.keys(stands);
  return all[at % all.length] ?? 'nobody';
}

/** Mostly one that stands as it should for what is said to it. */
function someOf(...fit: readonly string[]): fc.Arbitrary<Choice> {
  return fc.record({
    among: fc.oneof<fc.WeightedArbitrary<Choice['among']>[]>(
      { weight: 20, arbitrary: fc.constant(fit) },
      { weight: 4, arbitrary: fc.constant<Choice['among']>('all') },
      { weight: 1, arbitrary: fc.constantFrom<Choice['among'][]>(...INVENTED) },
    ),
    at: fc.nat(40),
  });
}

type Contents = Readonly<Record<string, fc.Arbitrary<unknown>>>;

function wish(
  name: Said['name'],
  steps: fc.Arbitrary<readonly Choice[]>,
  contents: Contents = {},
  under: fc.Arbitrary<Under> = fc.constant('none'),
): fc.Arbitrary<Wish> {
  return fc
    .record({ steps, under, content: fc.record(contents) })
    .map((drawn) => ({ name, ...drawn, content: drawn.content as Wish['content'] })); // keys and kinds are of those below
}

const nobody = fc.constant<readonly Choice[]>([]);
const asked = ['human', 'escalation'];
const under = fc.constantFrom<Under>('none', 'none', 'none', 'now', 'before');
const nth = fc.nat(3);
const output = fc.record({ list: fc.array(fc.constantFrom('x', 'y'), { maxLength: 3 }) });
const begun = fc.record({
  among: fc.constantFrom<Choice['among'][]>('begun', 'begun', 'begun', 'all'),
  at: fc.nat(40),
});

/** One message to a molecule; failing it for good is rare, so that there is something to say after it. */
export const someWish: fc.Arbitrary<Wish> = fc.oneof(
  { weight: 24, arbitrary: wish('close', fc.tuple(someOf(...asked)), { nth, output }, under) },
  { weight: 10, arbitrary: wish('close', fc.tuple(someOf(...asked)), { nth }, under) },
  {
    weight: 8,
    arbitrary: wish(
      'close',
      fc.uniqueArray(someOf(...asked), { minLength: 2, maxLength: 4, selector: ({ at }) => at % 5 }),
    ),
  },
  { weight: 6, arbitrary: wish('close', fc.tuple(someOf(...asked)), { nth, outcome: fc.constant('failed') }, under) },
  { weight: 6, arbitrary: wish('skip', fc.tuple(someOf(...asked, 'gate', 'pending', 'ready')), { nth }, under) },
  { weight: 6, arbitrary: wish('retry', fc.tuple(someOf('escalation')), { nth }, under) },
  { weight: 9, arbitrary: wish('retry', fc.tuple(begun), { from: fc.constant(true) }) },
  { weight: 1, arbitrary: wish('fail', fc.tuple(someOf(...asked)), { nth, reason: fc.constant('no') }, under) },
  { weight: 8, arbitrary: wish('approve', fc.tuple(someOf('gate')), { nth }, under) },
  {
    weight: 2,
    arbitrary: wish('bond', fc.array(someOf(...asked, 'pending', 'open', 'done'), { maxLength: 1 }), {
      formula: fc.constant(MORE.name),
    }),
  },
  { weight: 1, arbitrary: wish('pause', nobody) },
  { weight: 3, arbitrary: wish('resume', nobody) },
  { weight: 2, arbitrary: wish('mail', nobody, { subject: fc.constantFrom('no news today', 'else') }) },
);
