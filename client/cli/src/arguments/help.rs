//! The text of `--help` after the options: how to use each command, with examples.

/// Examples and exit codes of `annals --help`.
pub const OVERVIEW: &str = "\
Examples:
  annals append order-1 --type Placed --data '{\"total\": 42}' --expect no-stream
  annals read order-1
  annals read --all --backwards --limit 10
  annals subscribe --all --stream-prefix order- --format ndjson | jq .data.total
  annals import events.ndjson
  annals export backup.ndjson
  annals read order-1 --as-of 2026-01-02T03:04:05Z

Exit codes:
  0  success
  1  failed for a reason other than those below
  2  the command line, or a name or value in it, is not valid
  3  the stream, revision, position or snapshot does not exist
  4  conflict: a stream or its retention is not in the expected state, an event matches that should
     not, or the event id is already used
  5  the server is not reachable, or did not answer in time

`annals COMMAND --help` shows more about a command, with examples.";

/// Examples and notes of `annals append --help`.
pub const APPEND: &str = "\
Examples:
  annals append order-1 --type Placed --data '{\"total\": 42}'
  annals append order-1 --type Placed --data @order.json --expect no-stream
  annals append order-1 --type Paid --data '{}' --expect 0 --tag customer:7
  echo '{}' | annals append order-1 --type Shipped --data -

Appends are idempotent by id: with --id, the same command can be repeated safely and prints the
first result. If a stream is not in the state given with --expect, or an event matches, nothing is
appended, the actual state is printed, and the exit code is 4.

A decision can depend on other streams, or on the events that match a query. Get the head before
you read:

  head=$(annals info --format ndjson | jq .head)
  annals read --all --tag seat:12A
  annals append booking-9 --type SeatBooked --data '{}' --tag seat:12A \\
      --no-match-tag seat:12A --after $head --expect customer-7=stream-exists

Several events, in one or more streams, can be appended all or none:

  annals append --atomic transfer.ndjson --expect account-1=4 --expect account-2=9

where transfer.ndjson has a line for each event, as described in `annals import --help`:

  {\"stream\": \"account-1\", \"type\": \"Withdrawn\", \"data\": {\"amount\": 10}}
  {\"stream\": \"account-2\", \"type\": \"Deposited\", \"data\": {\"amount\": 10}, \"tags\": [\"from:1\"]}";

/// Examples and notes of `annals read --help`.
pub const READ: &str = "\
Examples:
  annals read order-1
  annals read order-1 --from 5 --limit 10
  annals read --all --backwards --limit 10
  annals read --all --type Placed --type Paid --stream-prefix order-
  annals read --all --format ndjson | jq .data
  annals read order-1 --as-of 2026-01-02T03:04:05Z
  annals read order-1 --until-revision 7
  annals read --all --as-of 2026-01-02T03:04:05Z --backwards --limit 10

The exit code is 3 for a stream that did not exist yet at that time.";

/// Examples and notes of `annals position-at --help`.
pub const POSITION_AT: &str = "\
Prints the position of the last event recorded at or before that time; 0 if there is none, and the
head for a time in the future.

Examples:
  annals position-at 2026-01-02T03:04:05Z
  annals subscribe --all --after $(annals position-at 2026-01-02T00:00:00Z --format ndjson | jq .position)";

/// Examples and notes of `annals snapshot save --help`.
pub const SNAPSHOT_SAVE: &str = "\
Examples:
  annals snapshot save order-1 state.json --revision 41
  fold-orders order-1 | annals snapshot save order-1 - --revision 41 --schema-version 2";

/// Examples and notes of `annals snapshot load --help`.
pub const SNAPSHOT_LOAD: &str = "\
Examples:
  annals snapshot load order-1
  annals snapshot load order-1 --at-or-before 40 --schema-version 2
  annals snapshot load order-1 --out state.json

The exit code is 3 if there is no such snapshot.";

/// Examples and notes of `annals state get --help`.
pub const STATE_GET: &str = "\
Examples:
  annals state get stock apple
  annals state get stock apple --out apple.json

The exit code is 3 if there is no such entry.";

/// Examples and notes of `annals state put --help`.
pub const STATE_PUT: &str = "\
Examples:
  annals state put stock apple 7
  annals state put stock apple --file apple.json --expect-version 12
  annals state put stock pear 3 --expect-absent

The exit code is 4 if the entry is not as expected.";

/// Examples and notes of `annals state watch --help`.
pub const STATE_WATCH: &str = "\
Examples:
  annals state watch stock
  annals state watch stock --after 120 --format ndjson

Of an entry that changes faster than it is printed, only the latest value is printed.";

/// Examples and notes of `annals checkpoints --help`.
pub const CHECKPOINTS: &str = "\
A checkpoint is the position up to which a consumer has processed the log. The projections of the
toolkits report theirs at most once a second, whatever database they write to. The lag in seconds is
the age of the first event after the checkpoint.

Deleting a checkpoint does not change the consumer: if it still runs, it reports it again.

Examples:
  annals checkpoints
  annals checkpoints --prefix shop/ --format ndjson | jq 'select(.lag_seconds > 60)'
  annals checkpoints delete order-list";

/// Examples and notes of `annals subscribe --help`.
pub const SUBSCRIBE: &str = "\
Examples:
  annals subscribe --all --from-end
  annals subscribe order-1
  annals subscribe --all --after 1200 --type Placed --format ndjson
  annals subscribe --all --until-caught-up --format ndjson > log.ndjson

After a connection breaks, the command reconnects for up to a minute and resumes after the last
event, without gaps or repeats.";

/// Examples and notes of `annals retention --help`.
pub const RETENTION: &str = "\
Without options, shows the current settings. Options change the settings they name and leave the
others unchanged; --clear removes --max-count and --max-age. Removed events can't be restored.

With --prefix, applies to all streams whose names start with the prefix and that have no count and
no age of their own; if several prefixes match a name, the longest one applies.

Examples:
  annals retention order-1
  annals retention order-1 --max-count 100 --max-age 30d
  annals retention order-1 --truncate-before 250 --expect-version 2
  annals retention order-1 --clear
  annals retention --prefix session- --max-age 30d
  annals retention --prefix session- --clear
  annals retention --prefixes

The exit code is 4 if another client changed the settings in the meantime.";

/// Examples and notes of `annals delete --help`.
pub const DELETE: &str = "\
Examples:
  annals delete order-1
  annals delete order-1 --expect 7

--expect takes the same values as for `annals append`: any, no-stream, stream-exists, or a revision.
Deleting a stream that is already deleted is not an error. If the last event of the stream does not
have the expected revision, the exit code is 4.";

/// Examples and notes of `annals tombstone --help`.
pub const TOMBSTONE: &str = "\
Examples:
  annals tombstone order-1
  annals tombstone order-1 --expect 7
  annals tombstone order-1 --expect no-stream

--expect takes the same values as for `annals append`: any, no-stream, stream-exists, or a revision.
The stream need not exist. Deleting a stream that is already permanently deleted is not an error.";

/// Examples and notes of `annals scavenge --help`.
pub const SCAVENGE: &str = "\
Events removed by retention, deletion or tombstones are no longer returned, but take space until
they are scavenged. A server scavenges once a day on its own (--scavenge-every). One scavenge runs
at a time in a store, and it continues after a restart. Ending this command does not stop it.

Examples:
  annals scavenge
  annals scavenge --no-wait
  annals scavenge status --format ndjson | jq .events_removed
  annals scavenge stop";

/// Examples and notes of `annals import --help`.
pub const IMPORT: &str = "\
Each line is an object with \"stream\", \"type\" and \"data\", and optionally \"id\", \"time\",
\"metadata\" and \"tags\":

  {\"stream\": \"order-1\", \"type\": \"Placed\", \"data\": {\"total\": 42}, \"time\": \"2024-05-01T09:30:00Z\"}

Lines written by `annals export` are accepted as well; events that this store already has at the
same position are not appended again. \"time\" is stored in the metadata, as \"original_time\". The
order of the file is the order in the log.

Lines of streams whose names start with `$$` contain the retention of other streams. They are not
appended: after everything is imported, the counts, ages and tombstones in them are set, so that
the events are kept in the same way as in the original log.

An event without an id gets one derived from its stream, its line, and the number of identical
lines before it. Importing a file again therefore adds nothing; importing it after lines were
added at its end adds only those.

Lines that are not valid, or that the server rejects, are reported on standard error with the
reason; the others are imported, and the exit code is 1.

With --keep-recorded-times, a whole log is moved: into an empty store, on a server started with
--accept-recorded-times, while no other client appends. Positions, revisions, times, removed
positions, retention, deletions, tombstones, snapshots and state are those of the log. Importing again
adds nothing, and continues after an interruption. If the store or the file is not suitable, nothing
is written.

With --renumber, the events of an export get new positions and revisions: for a part of a log, an
export of an older version, or a store that is not empty. Together with --keep-recorded-times they
keep their times; \"moved\" in the summary counts the events whose position or revision differs from
that in the file.

Examples:
  annals import events.ndjson
  gunzip -c events.ndjson.gz | annals import -
  annals --endpoint old:2113 export - | annals --endpoint new:2113 import - --keep-recorded-times";

/// Examples and notes of `annals export --help`.
pub const EXPORT: &str = "\
Without filters, exports the whole log: a first line with the format and the store, each event with
its position, positions whose events are removed, entries of state, data about streams and appends,
snapshots, and a last line. See `annals import --keep-recorded-times`. With filters, exports the events that match.

Nothing is lost: data and metadata that would change as JSON on one line (line breaks, surrounding
white space) are encoded in base64.

Examples:
  annals export backup.ndjson
  annals export --stream-prefix order- | gzip > orders.ndjson.gz";

/// Examples and notes of `annals groups --help`.
pub const GROUPS: &str = "\
The consumers of a group share the work of processing events: each event goes to one of them, and again until one has
processed it. Without a subcommand, groups are listed.

Examples:
  annals groups
  annals groups create shipping --stream-prefix order- --max-attempts 5
  annals groups describe shipping";

/// Examples of `annals groups create --help`.
pub const GROUPS_CREATE: &str = "\
Examples:
  annals groups create shipping --stream-prefix order-
  annals groups create mails --type OrderPlaced --mode unordered --from end
  annals groups create loyalty --order-by-tag-prefix customer: --ack-timeout 2m";

/// Examples and notes of `annals consume --help`.
pub const CONSUME: &str = "\
The number of the attempt is in the environment variable ANNALS_ATTEMPT. If interrupted, this command starts no further
event, finishes those that are being processed, and returns the others to the group.

Examples:
  annals consume shipping --exec 'jq .data.orderId | xargs ship' --concurrency 4";
