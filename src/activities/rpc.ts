/** What the server itself has said, behind an error of the client. */
import { isGrpcServiceError } from '@temporalio/client';

/** Codes of gRPC. */
export const INVALID_ARGUMENT = 3;
export const PERMISSION_DENIED = 7;
export const UNIMPLEMENTED = 12;

type Said = { readonly code: number; readonly details: string };

/** Null when it was not the server. */
export function rpcOf(error: unknown): Said | null {
  // The connection of a worker gives the server's words as the message alone.
  if (isGrpcServiceError(error)) return { code: error.code, details: error.details || error.message };
  return error instanceof Error && error.cause !== undefined ? rpcOf(error.cause) : null;
}
