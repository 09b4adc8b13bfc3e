/**
 * Calls to the kernel that are answered as if it did not have them, for those who are shut in: no namespace keeps apart what they reach. Keyrings are
 * those of the worker, with what a login has left there; sockets of other families than these lead to what the machine itself runs on
 * (`AF_VSOCK`); the kernel's log is the machine's; and what is put into an `io_uring` no such list sees.
 */

type Calls = {
  /** As the kernel names this form of programs (`AUDIT_ARCH_…`). */
  readonly form: number;
  /** From this number on there is another form of the same kind; null for none. */
  readonly others: number | null;
  readonly socket: number;
  /** `add_key`, `request_key`, `keyctl`, `syslog`, `io_uring_setup`; and, where one call stands for all of sockets, that. */
  readonly barred: readonly number[];
};

/** By the machine, with the older form that it runs, too. */
const CALLS: Readonly<Record<string, readonly Calls[]>> = {
  x64: [
    { form: 0xc000003e, others: 0x40000000, socket: 41, barred: [248, 249, 250, 103, 425] },
    { form: 0x40000003, others: null, socket: 359, barred: [286, 287, 288, 103, 425, 102] },
  ],
  arm64: [
    { form: 0xc00000b7, others: null, socket: 198, barred: [217, 218, 219, 116, 425] },
    { form: 0x40000028, others: null, socket: 281, barred: [309, 310, 311, 103, 425] },
  ],
};
/** `AF_UNIX`, `AF_INET`, `AF_INET6`, `AF_NETLINK`: what is of a network namespace, or of a folder. */
const FAMILIES = [1, 2, 10, 16];

/** Of the kernel's `seccomp_data`. */
const [CALL, FORM, FIRST_ARGUMENT] = [0, 4, 16];
const [LOAD, IF_SAME, IF_AT_LEAST, RETURN] = [0x20, 0x15, 0x35, 0x06];
const ALLOWED = 0x7fff0000;
const ERROR = 0x00050000;
const NO_SUCH_CALL = ERROR | 38;
const NO_SUCH_FAMILY = ERROR | 97;

type Line = readonly [code: number, value: number, skip?: number];

/** As bubblewrap takes it (`--seccomp`), in base64; null for a machine of which the calls are not known here. */
export function barredCalls(machine: string = process.arch): string | null {
  const forms = CALLS[machine];
  if (forms === undefined) return null;
  const lines: readonly Line[] = [[LOAD, FORM], ...forms.flatMap(linesOf), [RETURN, NO_SUCH_CALL]];
  return Buffer.concat(lines.map(bytesOf)).toString('base64');
}

function linesOf({ form, others, socket, barred }: Calls): readonly Line[] {
  const families = FAMILIES.flatMap((family) => answer(IF_SAME, family, ALLOWED));
  const lines: readonly Line[] = [
    [LOAD, CALL],
    ...(others === null ? [] : answer(IF_AT_LEAST, others, NO_SUCH_CALL)),
    ...barred.flatMap((call) => answer(IF_SAME, call, NO_SUCH_CALL)),
    [IF_SAME, socket, families.length + 2],
    [LOAD, FIRST_ARGUMENT],
    ...families,
    [RETURN, NO_SUCH_FAMILY],
    [RETURN, ALLOWED],
  ];
  return [[IF_SAME, form, lines.length], ...lines];
}

function answer(test: number, value: number, what: number): readonly Line[] {
  return [
    [test, value, 1],
    [RETURN, what],
  ];
}

/** Where a test fails, so many lines are skipped. */
function bytesOf([code, value, skip = 0]: Line): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(skip, 3);
  bytes.writeUInt32LE(value, 4);
  return bytes;
}
