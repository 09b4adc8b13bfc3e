/** The acts of the town, ready to be called from a workflow: each with the patience of its purpose, a summary for the history. */
import { proxyActivities } from '@temporalio/workflow';
import type { HostActivities, SessionActivities, TownActivities } from '../contract/activities.js';
import { hostAct, sessionAct, townAct, watch } from './patience.js';

export const town = (scale: number) => proxyActivities<TownActivities>(townAct(scale));

export const watcher = (scale: number) =>
  proxyActivities<Pick<TownActivities, 'awaitClosed' | 'checkGate'>>(watch(scale));

export const onHost = (scale: number, host: string, commandsMs?: number) =>
  proxyActivities<HostActivities>(hostAct(scale, host, commandsMs));

export const inSessions = (scale: number, host: string, minutesMax?: number) =>
  proxyActivities<SessionActivities>(sessionAct(scale, host, minutesMax));
