# The tasks of this repository. `just` lists them.

# The folder into which scripts/test installs missing tools.
tools := justfile_directory() / "target" / "tools"
export PATH := tools / "bin" + ":" + env("PATH")

# If FoundationDB is installed, its engine is built into the server and tested. Otherwise its tests are ignored.
fdbserver := `PATH="$PATH:/usr/sbin:/usr/local/sbin:/usr/local/bin" command -v "${FDBSERVER:-fdbserver}" || true`

# What is built and tested. Every recipe passes all of it, even for one test: other packages or features would compile
# the dependencies again.
all := if fdbserver == "" { "" } else { "--workspace --exclude annals-bench --features annals-server/foundationdb" }

# libclang reads FoundationDB's header: the system's libclang, or the one that scripts/test installed.
libclang := tools / "libclang"
clang := if path_exists(libclang) == "true" { "LIBCLANG_PATH=" + libclang + " BINDGEN_EXTRA_CLANG_ARGS=\"-isystem $(cc -print-file-name=include)\"" } else { "" }

_default:
    @just --list --unsorted

# Run everything that CI runs, with fewer seeds and rounds in the long tests.
ci: lint build test test-clients test-packages (test-long "5000" "20" "20")

# Check formatting, lints, dependencies, protocol and versions. The other languages' linters are part of test-clients.
lint:
    cargo fmt --all --check
    {{ clang }} cargo clippy --workspace --all-targets --features annals-server/foundationdb -- -D warnings
    cargo deny --locked check --hide-inclusion-graph licenses bans sources
    buf lint
    scripts/versions

# Check the lints with every feature too: the benchmark's clients of other stores have many dependencies of their own.
lint-all: lint
    {{ clang }} cargo clippy --workspace --all-targets --all-features -- -D warnings

# A test is built with it, so that dependencies have the features of the tests and are not compiled again. This test
# needs no crate that the newer server has in another form.

# Build the newer server of the tests of upgrades, which adds a field to events, into target/debug/newer.
build-newer:
    {{ clang }} cargo build --bin annals-server --test kills {{ all }} --features annals-server/newer-for-tests
    mkdir -p "${CARGO_TARGET_DIR:-target}/debug/newer"
    ln -f "${CARGO_TARGET_DIR:-target}/debug/annals-server" "${CARGO_TARGET_DIR:-target}/debug/newer/annals-server"

# The newer server is built first, because the last build is the one in target/debug.

# Build every binary that the tests start, with the features of the tests, so that these compile no dependency again.
build: build-newer
    {{ clang }} cargo build --bins --tests --examples {{ all }}

# Run the ordinary tests, which take a few minutes.
test: build
    {{ clang }} cargo test {{ all }}

# Run the clients' own tests, the interoperability cases on every engine, and the programs in Go and Java.
test-clients: build
    {{ clang }} ANNALS_CARGO_OPTIONS="{{ all }}" scripts/clients

# Make packages of the debug build, install each one in an empty folder, and use it.
test-packages: build
    scripts/package --draft --binaries "${CARGO_TARGET_DIR:-target}/debug" --out "${CARGO_TARGET_DIR:-target}/draft-packages"
    scripts/test-packages "${CARGO_TARGET_DIR:-target}/draft-packages"

# Run the long tests: seeds of the simulation after those of the ordinary test, more rounds of kill -9.
test-long seeds="20000" crashes="40" kills="50": build
    {{ clang }} ANNALS_SIMULATION_FIRST=2000 ANNALS_SIMULATION_SEEDS={{ seeds }} cargo test {{ all }} --test simulation stores -- --nocapture
    {{ clang }} ANNALS_CRASH_ROUNDS={{ crashes }} cargo test {{ all }} --test crash writes -- --nocapture
    {{ clang }} ANNALS_KILL_ROUNDS={{ kills }} cargo test {{ all }} --test killed

# Run a quick benchmark on this machine, compared with a bare tonic echo server.
bench:
    cargo build --release -p annals-server -p annals-bench
    cargo run --release -p annals-bench -- quick

# Run a quick benchmark on FoundationDB, compared with the embedded engine. Needs an fdbserver.
bench-foundationdb:
    {{ clang }} cargo build --release -p annals-server -p annals-bench --features annals-server/foundationdb
    cargo run --release -p annals-bench -- quick --engine foundationdb

# Compare with UmaDB, message-db on PostgreSQL, NATS JetStream, an echo and a file: under 1 h, minutes with --quick.
compare *options="--out target/compare":
    scripts/peers
    {{ clang }} cargo build --release -p annals-server -p annals-bench --features annals-bench/peers {{ if fdbserver == "" { "" } else { "--features annals-server/foundationdb" } }}
    cargo run --release -p annals-bench --features peers -- compare {{ options }}

# Start a server, and append and read a few events.
demo:
    scripts/demo

# Make the packages of a release for this platform in target/packages, without FoundationDB, and test them.
package:
    cargo build --release --locked -p annals-server -p annals-cli
    scripts/package
    scripts/test-packages
