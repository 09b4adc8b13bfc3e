/** Mail that the town acts on, as a role of a rig reads it: what somebody writes who has not to send it is not believed. */
import type { Mail, Reading } from '../town/mail.js';
import { forgery, readMail } from '../town/mail.js';
import { patched } from './patches.js';

export function readLetter(mail: Mail, rig: string): Reading {
  const reading = readMail(mail);
  if (!reading.ok) return reading;
  const problem = forgery(mail, reading.letter, rig);
  if (problem === null || !patched('a letter is believed of its sender alone', '0.6')) return reading;
  return { ok: false, problem };
}
