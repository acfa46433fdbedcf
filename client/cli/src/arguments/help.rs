//! What `--help` says below the options: how to use a command, by example.

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
  0  done
  1  failed for another reason than those below
  2  the command line, or a name or value in it, is not valid
  3  the stream, revision, position or snapshot does not exist
  4  conflict: a stream, or how much of it is kept, is not as expected, an event matches that should not, or the event
     id is taken
  5  the server is not reachable, or did not answer in time

`annals COMMAND --help` shows more about a command, with examples.";

pub const APPEND: &str = "\
Examples:
  annals append order-1 --type Placed --data '{\"total\": 42}'
  annals append order-1 --type Placed --data @order.json --expect no-stream
  annals append order-1 --type Paid --data '{}' --expect 0 --tag customer:7
  echo '{}' | annals append order-1 --type Shipped --data -

Appends are idempotent by id: with --id, the same command can be repeated safely, and prints the first result.
If a stream is not as --expect says, or an event matches, nothing is appended, what was found is
printed, and the exit code is 4.

A decision may rest on other streams, or on events that a query finds. Take the head before you
read:

  head=$(annals info --format ndjson | jq .head)
  annals read --all --tag seat:12A
  annals append booking-9 --type SeatBooked --data '{}' --tag seat:12A \\
      --no-match-tag seat:12A --after $head --expect customer-7=stream-exists

And several events, in one or more streams, can be appended all or none:

  annals append --atomic transfer.ndjson --expect account-1=4 --expect account-2=9

where transfer.ndjson has a line for each, as `annals import --help` describes them:

  {\"stream\": \"account-1\", \"type\": \"Withdrawn\", \"data\": {\"amount\": 10}}
  {\"stream\": \"account-2\", \"type\": \"Deposited\", \"data\": {\"amount\": 10}, \"tags\": [\"from:1\"]}";

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

A stream that did not exist yet at that time ends with exit code 3.";

pub const POSITION_AT: &str = "\
It is the position of the last event that was recorded at that time or before; 0 if there is none, and the
head if the time is yet to come.

Examples:
  annals position-at 2026-01-02T03:04:05Z
  annals subscribe --all --after $(annals position-at 2026-01-02T00:00:00Z --format ndjson | jq .position)";

pub const SNAPSHOT_SAVE: &str = "\
Examples:
  annals snapshot save order-1 state.json --revision 41
  fold-orders order-1 | annals snapshot save order-1 - --revision 41 --schema-version 2";

pub const SNAPSHOT_LOAD: &str = "\
Examples:
  annals snapshot load order-1
  annals snapshot load order-1 --at-or-before 40 --schema-version 2
  annals snapshot load order-1 --out state.json

A stream without such a snapshot ends with exit code 3.";

pub const SUBSCRIBE: &str = "\
Examples:
  annals subscribe --all --from-end
  annals subscribe order-1
  annals subscribe --all --after 1200 --type Placed --format ndjson
  annals subscribe --all --until-caught-up --format ndjson > log.ndjson

A connection that breaks is resumed after the last event, without gap or repeat, for up to a minute.";

pub const RETENTION: &str = "\
Without options it only shows. Options change what they name and leave the rest as it is; --clear
takes back --max-count and --max-age. What is gone does not come back.

With --prefix it is about all streams whose names begin so and that have no count and no age of their own;
of several prefixes of a name the longest counts.

Examples:
  annals retention order-1
  annals retention order-1 --max-count 100 --max-age 30d
  annals retention order-1 --truncate-before 250 --expect-version 2
  annals retention order-1 --clear
  annals retention --prefix session- --max-age 30d
  annals retention --prefix session- --clear
  annals retention --prefixes

Somebody else's change in between ends with exit code 4.";

pub const DELETE: &str = "\
Examples:
  annals delete order-1
  annals delete order-1 --expect 7

--expect takes what `annals append --expect` takes: any, no-stream, stream-exists, or a revision. A stream that was deleted before is no error. One whose last event is another than expected ends with
exit code 4.";

pub const TOMBSTONE: &str = "\
Examples:
  annals tombstone order-1
  annals tombstone order-1 --expect 7
  annals tombstone order-1 --expect no-stream

--expect takes what `annals append --expect` takes: any, no-stream, stream-exists, or a revision. The stream need not exist. One that was deleted for ever before is no error.";

pub const SCAVENGE: &str = "\
What is gone by retention, deletion or tombstones is seen by nobody, and takes space until it is
scavenged. A server scavenges once a day by itself (--scavenge-every). One scavenge runs at a time in a
store; it goes on after a restart. Ending this command does not stop it.

Examples:
  annals scavenge
  annals scavenge --no-wait
  annals scavenge status --format ndjson | jq .events_removed
  annals scavenge stop";

pub const IMPORT: &str = "\
Each line is an object with \"stream\", \"type\" and \"data\", and where wanted \"id\", \"time\",
\"metadata\" and \"tags\":

  {\"stream\": \"order-1\", \"type\": \"Placed\", \"data\": {\"total\": 42}, \"time\": \"2024-05-01T09:30:00Z\"}

Lines that `annals export` wrote are understood, too; those of events that are in this store already, at
the same position, are not appended again. \"time\" is kept in the metadata, as \"original_time\". The file's
order is the log's order.

Lines of streams whose names begin with `$$` say how much was kept of other streams. They are not appended:
when all is imported, the counts and ages they name are set, and tombstones, so that the log is kept as the
one it comes from.

An event without an id gets one that follows from its stream, its line, and how many identical
lines came before. Importing a file again therefore adds nothing; importing it after lines were
added at its end adds only these.

Lines that are not valid, or that the server refuses, are named on standard error with the reason;
the others are imported all the same, and the exit code is 1.

With --keep-recorded-times, a whole log is moved: into an empty store, on a server that was started with
--accept-recorded-times, while no other client appends. Positions, revisions, times, removed positions,
retention, deletions, tombstones and snapshots are those of the log. Importing again adds nothing, and
continues after an interruption. If the store or the file is not fit for that, nothing is written.

With --renumber, the events of an export get new positions and revisions: for a part of a log, an export
of an older version, or a store that is not empty. Together with --keep-recorded-times they keep their
times; \"moved\" in the summary counts events whose position or revision differs from the file's.

Examples:
  annals import events.ndjson
  gunzip -c events.ndjson.gz | annals import -
  annals --endpoint old:2113 export - | annals --endpoint new:2113 import - --keep-recorded-times";

pub const EXPORT: &str = "\
Without filters it is the whole log: a first line that says so, each event with its position, positions
whose events are removed, what is known of streams and appends, snapshots, and a last line. See `annals
import --keep-recorded-times`. With filters it is the events that match.

Nothing is lost: data and metadata whose bytes JSON on one line would change (line breaks, white space
around) are in base64.

Examples:
  annals export backup.ndjson
  annals export --stream-prefix order- | gzip > orders.ndjson.gz";
