/** The tables of a convoy: legs, synthesis, presets, prompt and output. */
import type { Convoy, Leg } from './formula.js';
import { LEG_KEYS, OUTPUT_KEYS, PRESET_KEYS, PROMPTS_KEYS, reportKeys, SYNTHESIS_KEYS } from './keys.js';
import { isId, NAME_RULE } from './names.js';
import { quote, type Path, type Report, type Source } from './problem.js';
import { LegTable, OutputTable, PresetTable, PromptsTable, SynthesisTable } from './schemas.js';
import { isBlank, isTable, kindOf, readTable, type Table } from './shape.js';

export function readConvoy(
  table: {
    readonly legs?: readonly unknown[] | undefined;
    readonly synthesis?: Table | undefined;
    readonly presets?: Table | undefined;
    readonly prompts?: Table | undefined;
    readonly output?: Table | undefined;
  },
  source: Source,
  report: Report,
): Convoy {
  return {
    legs: (table.legs ?? []).flatMap((raw, index) => readLeg(raw, index, source, report)),
    synthesis: readSynthesis(table.synthesis, source, report),
    presets: readPresets(table.presets ?? {}, source, report),
    prompt: readPrompt(table.prompts, source, report),
    output: readOutputFiles(table.output, source, report),
  };
}

function readLeg(raw: unknown, index: number, source: Source, report: Report): readonly Leg[] {
  const path = ['legs', index];
  if (!isTable(raw)) {
    report(path, `a leg must be a table, not ${kindOf(raw)}`);
    return [];
  }
  reportKeys(raw, LEG_KEYS, path, report);
  const { id, title, focus, description, agent, review_only, needs } = readTable(raw, LegTable, path, report);
  if (id === undefined) return [];
  if (!isId(id, false)) report([...path, 'id'], `the id ${quote(id)} ${NAME_RULE}`);
  refuseBlank(title, path, report);
  return [
    {
      at: { source, path },
      id,
      title: title ?? id,
      focus: focus ?? '',
      description: description ?? '',
      agent: agent ?? null,
      reviewOnly: review_only ?? null,
      needs: (needs ?? []).map((need, at) => ({ id: need, at: { source, path: [...path, 'needs', at] }, any: false })),
    },
  ];
}

function refuseBlank(title: string | undefined, path: Path, report: Report): void {
  if (title !== undefined && isBlank(title)) report([...path, 'title'], 'title must not be empty');
}

function readSynthesis(raw: Table | undefined, source: Source, report: Report): Convoy['synthesis'] {
  if (raw === undefined) return null;
  reportKeys(raw, SYNTHESIS_KEYS, ['synthesis'], report);
  const { title, description, depends_on } = readTable(raw, SynthesisTable, ['synthesis'], report);
  refuseBlank(title, ['synthesis'], report);
  return {
    at: { source, path: ['synthesis'] },
    title: title ?? 'Synthesis',
    description: description ?? '',
    dependsOn: depends_on ?? null,
  };
}

function readPresets(tables: Table, source: Source, report: Report): Convoy['presets'] {
  return Object.entries(tables).flatMap(([name, raw]) => {
    const path = ['presets', name];
    if (!isTable(raw)) {
      report(path, `a preset must be a table, not ${kindOf(raw)}`);
      return [];
    }
    reportKeys(raw, PRESET_KEYS, path, report);
    const { legs } = readTable(raw, PresetTable, path, report);
    return legs === undefined ? [] : [{ at: { source, path }, name, legs }];
  });
}

function readPrompt(raw: Table | undefined, source: Source, report: Report): Convoy['prompt'] {
  if (raw === undefined) return null;
  reportKeys(raw, PROMPTS_KEYS, ['prompts'], report);
  const { base } = readTable(raw, PromptsTable, ['prompts'], report);
  return base === undefined ? null : { at: { source, path: ['prompts', 'base'] }, text: base };
}

function readOutputFiles(raw: Table | undefined, source: Source, report: Report): Convoy['output'] {
  if (raw === undefined) return null;
  reportKeys(raw, OUTPUT_KEYS, ['output'], report);
  const { directory, leg_pattern, synthesis } = readTable(raw, OutputTable, ['output'], report);
  return {
    at: { source, path: ['output'] },
    directory: directory ?? '.',
    legPattern: leg_pattern ?? '{{.leg.id}}.md',
    synthesis: synthesis ?? 'synthesis.md',
  };
}
