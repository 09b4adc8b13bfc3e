/**
 * What operators search by: `temporal workflow list -q 'GtPhase="escalated"'`. Registered when missing by whoever starts the
 * server or a worker. A dev server allows ten Keywords and three KeywordLists, so they are spent with care.
 */
import { defineSearchAttributeKey } from '@temporalio/common';
import type { SearchAttributePair } from '@temporalio/common';
import { asSummary } from '../town/bytes.js';
import { SEVERITIES, type Raised } from '../town/escalation-input.js';
import type { Protomolecule } from '../town/protomolecule.js';
import { short } from '../town/wording.js';
import type { Hook } from './molecule.js';

export const SEARCH_ATTRIBUTES = {
  GtRole: 'Keyword',
  GtRig: 'KeywordList',
  GtMission: 'Keyword',
  GtFormula: 'Keyword',
  GtStep: 'KeywordList',
  GtAgent: 'KeywordList',
  GtPhase: 'Keyword',
  GtWaitingFor: 'Keyword',
  GtSeverity: 'Keyword',
  GtCostUsd: 'Double',
} as const;

export const attribute = {
  role: defineSearchAttributeKey('GtRole', 'KEYWORD'),
  rig: defineSearchAttributeKey('GtRig', 'KEYWORD_LIST'),
  mission: defineSearchAttributeKey('GtMission', 'KEYWORD'),
  formula: defineSearchAttributeKey('GtFormula', 'KEYWORD'),
  step: defineSearchAttributeKey('GtStep', 'KEYWORD_LIST'),
  agent: defineSearchAttributeKey('GtAgent', 'KEYWORD_LIST'),
  phase: defineSearchAttributeKey('GtPhase', 'KEYWORD'),
  waitingFor: defineSearchAttributeKey('GtWaitingFor', 'KEYWORD'),
  severity: defineSearchAttributeKey('GtSeverity', 'KEYWORD'),
  costUsd: defineSearchAttributeKey('GtCostUsd', 'DOUBLE'),
} as const;

/** Of one value as JSON: the server ends a workflow that writes a larger one. */
const ATTRIBUTE_BYTES_MAX = 2_048;
/** Of a Keyword; a visibility store on a database of SQL takes no longer ones. */
const KEYWORD_CHARS_MAX = 255;

/** As many of the first as there is room for in a KeywordList. */
export function withRoom(values: readonly string[]): string[] {
  let room = ATTRIBUTE_BYTES_MAX - '[]'.length;
  const fits = values.findIndex((value) => {
    room -= bytesOf(value);
    // A comma stands before all but the first.
    const isTooMuch = room < 0;
    room -= ','.length;
    return isTooMuch;
  });
  return fits === -1 ? [...values] : values.slice(0, fits);
}

const bytesOf = (value: string) => new TextEncoder().encode(JSON.stringify(value)).length;

/** What somebody outside has written, and may be of any length. */
export const asKeyword = (text: string): string => text.slice(0, KEYWORD_CHARS_MAX);

/** `landed` is said of missions and polecats alone: a molecule whose steps have all closed is `done`. */
export type Phase =
  | 'queued'
  | 'working'
  | 'waiting'
  | 'merging'
  | 'escalated'
  | 'paused'
  | 'done'
  | 'landed'
  | 'skipped'
  | 'failed';

/** What a role is started with that waits for what others send it: of a rig, of one of its people, or of the town. */
export function startOfRole(role: string, rig: string | null = null): SearchAttributePair[] {
  return [
    { key: attribute.role, value: role },
    ...(rig === null ? [] : [{ key: attribute.rig, value: [rig] }]),
    { key: attribute.phase, value: 'waiting' },
  ];
}

/** What the molecule of a polecat is started with: as long as all of it is true, it need not write it itself. */
export function startOfMolecule(
  { mission, agent, rig }: Pick<Hook, 'mission' | 'agent' | 'rig'>,
  { formula, steps }: Protomolecule,
): SearchAttributePair[] {
  const isGroup = (id: string) => steps.some(({ parent }) => parent === id);
  const first = steps.find(({ id, needs }) => needs.length === 0 && !isGroup(id));
  return [
    { key: attribute.role, value: 'molecule' },
    { key: attribute.rig, value: [rig.name] },
    { key: attribute.mission, value: mission },
    { key: attribute.formula, value: formula },
    { key: attribute.agent, value: [agent] },
    { key: attribute.phase, value: 'working' },
    { key: attribute.step, value: first === undefined ? [] : withRoom([first.id]) },
    { key: attribute.costUsd, value: 0 },
  ];
}

/** What the server's list has of an escalation besides its search attributes. */
export const ABOUT = 'about';

/** What an escalation is started with, by whoever raises it first. */
export function startOfEscalation({ severity, category, text, rig, mission }: Raised) {
  const attributes: SearchAttributePair[] = [
    { key: attribute.role, value: 'escalation' },
    { key: attribute.phase, value: 'escalated' },
    { key: attribute.severity, value: severity },
    ...(rig === undefined ? [] : [{ key: attribute.rig, value: [rig] }]),
    ...(mission === undefined ? [] : [{ key: attribute.mission, value: asKeyword(mission) }]),
  ];
  const about = `${category}: ${short(text)}`;
  // Temporal's own key: the most urgent is 1.
  const priority = { priorityKey: SEVERITIES.indexOf(severity) + 1 };
  return { summary: asSummary(about), memo: { [ABOUT]: about }, priority, attributes };
}
