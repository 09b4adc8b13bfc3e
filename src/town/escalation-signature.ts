/** How whoever answers by an escalation is named where the answer arrives: by the name, and by which escalation. */
import { isEscalationId } from './address.js';

export const signed = (by: string, escalation: string): string => `${by} (${escalation})`;

/** Null of whoever has answered straight out. */
export function signatureIn(by: string): { readonly who: string; readonly escalation: string } | null {
  const [, who, escalation] = /^(.+) \((\S+)\)$/s.exec(by) ?? [];
  return who === undefined || escalation === undefined || !isEscalationId(escalation) ? null : { who, escalation };
}
