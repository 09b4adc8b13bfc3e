/**
 * What operators search by: `temporal workflow list -q 'GtPhase="escalated"'`. Registered when missing by whoever starts the
 * server or a worker. A dev server allows ten Keywords and three KeywordLists, so they are spent with care.
 */
import { defineSearchAttributeKey } from '@temporalio/common';

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
