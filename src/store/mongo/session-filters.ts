import mongoose, { type QueryFilter } from 'mongoose';
import type { SessionPosition, SessionQuery } from '../queries.js';
import type { SessionDocument } from './documents.js';

type Filter = QueryFilter<SessionDocument>;

/**
 * The filter for one state and position. Never a top-level `$and`: alternatives of state and position are multiplied into one
 * `$or` beside `accountId`, so that every server finds the index.
 */
export function sessionFilter(query: SessionQuery, after: SessionPosition | null): Filter {
  const states = stateBranches(query);
  const positions = after === null ? [new Branch()] : positionBranches(after);
  const branches = states.flatMap((state) => positions.map((position) => state.and(position).toFilter()));
  const [only] = branches;
  const base = { accountId: query.accountId, ...(after && { createdAt: within({ $lte: new Date(after.createdAt) }) }) };
  return branches.length === 1 && only !== undefined ? { ...base, ...only } : { ...base, $or: branches };
}

function stateBranches({ state, now, epoch, keptSessionId, epochRaisedAt }: SessionQuery): Branch[] {
  const open = new Branch({ revoked: null });
  const running = { idleExpiresAt: within({ $gt: new Date(now) }) };
  const over = { idleExpiresAt: within({ $lte: new Date(now) }) };
  const current = [open.with({ epoch }), ...(keptSessionId === null ? [] : [open.with({}, { $eq: keptSessionId })])];
  const stale = open.with({ epoch: within({ $ne: epoch }) }, keptSessionId === null ? {} : { $ne: keptSessionId });
  // By this node's clock nothing has expired yet that ends after `now`, whatever the clock of the node that raised the epoch said.
  const raised = new Date(Math.min(epochRaisedAt ?? now, now));
  switch (state) {
    case null:
      return [new Branch()];
    case 'ACTIVE':
      return current.map((branch) => branch.with(running));
    case 'EXPIRED':
      return [...current.map((branch) => branch.with(over)), stale.with({ idleExpiresAt: within({ $lte: raised }) })];
    case 'REVOKED':
      return [new Branch({ revoked: within({ $ne: null }) }), stale.with({ idleExpiresAt: within({ $gt: raised }) })];
  }
}

/** Strictly after the position, newest first. */
function positionBranches({ createdAt, id }: SessionPosition): Branch[] {
  const at = new Date(createdAt);
  return [new Branch({ createdAt: within({ $lt: at }) }), new Branch({ createdAt: at }, { $lt: id })];
}

interface IdTests {
  readonly $eq?: string;
  readonly $ne?: string;
  readonly $lt?: string;
}

/** One alternative: conditions on fields, and on the id, of which there may be several. */
class Branch {
  constructor(
    private readonly fields: Filter = {},
    private readonly id: IdTests = {},
  ) {}

  with(fields: Filter, id: IdTests = {}): Branch {
    return new Branch({ ...this.fields, ...fields }, { ...this.id, ...id });
  }

  and(other: Branch): Branch {
    return this.with(other.fields, other.id);
  }

  toFilter(): Filter {
    return Object.keys(this.id).length === 0 ? this.fields : { ...this.fields, _id: within({ ...this.id }) };
  }
}

/** Our own operators, which `sanitizeFilter` would otherwise take for an attack. */
export function within<T extends object>(tests: T): T {
  return mongoose.trusted(tests);
}
