# Everything that is done to this repository, by name. `just` lists it.

# Tools that are not on the machine are installed here.
tools := justfile_directory() / "target" / "tools"
export PATH := tools / "bin" + ":" + env("PATH")

# Where FoundationDB is installed, its engine is built into the server and tested; otherwise the tests say that it is not.
fdbserver := `PATH="$PATH:/usr/sbin:/usr/local/sbin:/usr/local/bin" command -v "${FDBSERVER:-fdbserver}" || true`
features := if fdbserver == "" { "" } else { "--features annals-server/foundationdb" }

# FoundationDB's header is read by libclang: the system's, or the one that scripts/test has installed.
libclang := tools / "libclang"
clang := if path_exists(libclang) == "true" { "LIBCLANG_PATH=" + libclang + " BINDGEN_EXTRA_CLANG_ARGS=\"-isystem $(cc -print-file-name=include)\"" } else { "" }

_default:
    @just --list --unsorted

# What CI does: all of it, with fewer seeds and rounds in the long tests.
ci: lint build test test-clients (test-long "5000" "20" "20")

# Formatting, lints, dependencies, protocol, versions. The other languages' linters are part of test-clients.
lint:
    cargo fmt --all --check
    {{ clang }} cargo clippy --workspace --all-targets --all-features -- -D warnings
    cargo deny --locked check --hide-inclusion-graph licenses bans sources
    buf lint
    scripts/versions

# Every binary that the tests start.
build:
    {{ clang }} cargo build {{ features }}

# The ordinary tests: a few minutes.
test: build
    {{ clang }} cargo test {{ features }}
    {{ if fdbserver == "" { "echo 'SKIPPED: annals-foundationdb, because no fdbserver is installed'" } else { clang + " cargo test -p annals-foundationdb" } }}

# The clients' own tests, the cases that they all play against every engine, and the programs in Go and Java.
test-clients: build
    scripts/clients

# The long ones: more seeds of the simulation, more rounds of kill -9.
test-long seeds="20000" crashes="40" kills="50": build
    ANNALS_SIMULATION_SEEDS={{ seeds }} cargo test --test simulation
    ANNALS_CRASH_ROUNDS={{ crashes }} cargo test --test crash -- --nocapture
    ANNALS_KILL_ROUNDS={{ kills }} cargo test --test killed

# First figures on this machine, beside a bare tonic echo.
bench:
    cargo build --release -p annals-server -p annals-bench
    cargo run --release -p annals-bench -- quick

# The same on FoundationDB, beside the embedded engine. Needs an fdbserver.
bench-foundationdb:
    {{ clang }} cargo build --release -p annals-server -p annals-bench --features annals-server/foundationdb
    cargo run --release -p annals-bench -- quick --engine foundationdb

# Annals beside UmaDB, message-db on PostgreSQL, NATS JetStream, a bare echo and a bare file; under an hour, --quick minutes.
compare *options="--out target/compare":
    scripts/peers
    {{ clang }} cargo build --release -p annals-server -p annals-bench --features annals-bench/peers {{ features }}
    cargo run --release -p annals-bench --features peers -- compare {{ options }}

# Starts a server and shows events going in and coming out.
demo:
    scripts/demo
