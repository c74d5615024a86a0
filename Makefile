# What a developer runs. `make help` lists the targets.

BINARY := target/release/ironkeeper

.PHONY: help build run ensemble test lint format-check clippy doc deny unit model sim mutants kerberos deb image compat differential \
	differential-long failover-quick failover suite-setup apache-suite apache-suite-selection apache-suite-all client-suites client-suites-quick \
	mixed-quick matrix rolling chaos apps bench fuzz soak clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | column -t -s '|'

build: ## build the server
	cargo build --release --locked

run: build ## serve on conf/zoo-tls.cfg, plain on 2181 and with TLS on 2281, with data and certificates in ./data
	test -e data/tls || $(BINARY) certs --out data/tls
	$(BINARY) serve conf/zoo-tls.cfg

ensemble: build ## three servers on loopback, with data in ./data/ensemble, until Ctrl-C
	conf/ensemble/run.sh $(BINARY)

test: format-check clippy unit sim compat differential failover-quick mixed-quick client-suites-quick apache-suite-selection ## everything that CI checks; sets up what the tests need

lint: format-check clippy doc deny ## formatting, clippy, documentation, licences and sources of dependencies

format-check:
	cargo fmt --all --check

clippy:
	cargo clippy --locked --workspace --all-targets -- -D warnings

doc:
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --workspace

# The advisory database is not needed for a build: it is checked where it can be fetched.
deny:
	@command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny check licenses bans sources
	cargo deny check advisories || echo "advisories: not checked, or see above"

unit: model ## cargo's tests
	cargo test --locked --workspace

model: ## the hand-over between threads, under a model checker; MODEL_SCHEDULES= says how many of each test
	cargo test --locked -p server --features shuttle --lib model::

sim: ## ensembles with clients on networks, disks and clocks that fail; SEEDS= says how many, FIRST= from where, SEED= shows one
	cargo run --locked -p sim

mutants: ## the quorum's core with one rule broken, and the test that finds it
	cd compat-tests && python3 -m mutants

# The other one is built second, so that it is in its place again.
kerberos: ## build the server with Kerberos, target/release/ironkeeper-gssapi; needs libkrb5-dev and libclang-dev
	cargo build --release --locked -p server --features gssapi
	cp $(BINARY) $(BINARY)-gssapi
	cargo build --release --locked

deb: kerberos ## a Debian package of the server with Kerberos, in target/debian; needs cargo-deb, see compat-tests/packages-setup.sh
	CARGO_DEB=$${CARGO_DEB:-compat-tests/.work/cargo-deb/bin/cargo-deb} packaging/build-deb.sh $(BINARY)-gssapi target/debian

image: ## an image in the place of the official one; needs docker
	docker build -f docker/Dockerfile -t ironkeeper .

compat: build ## Apache's own clients and data against the release binary, with Apache 3.9.5 as the oracle
	compat-tests/setup.sh
	compat-tests/packages-setup.sh
	$(MAKE) kerberos
	compat-tests/run.py

differential: build ## random histories on Apache 3.9.5 and ironkeeper, and on ironkeepers with a planted defect
	compat-tests/setup.sh
	cd compat-tests && python3 -m differential run --scope test --minimise
	cd compat-tests && python3 -m differential hunt

differential-long: build ## more than 200,000 random requests
	compat-tests/setup.sh
	cd compat-tests && python3 -m differential run --first 100 --seeds 60 --requests 3500 --jobs 3 --scope long --minimise

failover-quick: build ## a few kills of the leader of three and of five servers, and of Apache's
	compat-tests/setup.sh
	compat-tests/ensemble/run.py

failover: build ## 100 kills of the leader of three and of five servers, 10 of Apache's; writes docs/failover.md
	compat-tests/setup.sh
	compat-tests/ensemble/run.py --long

# CLASS may be several, by simple or full name, each with #method behind it; without it all that run on SERVER.
SERVER ?= ironkeeper
ROUNDS ?= 3
CHAOS_SEEDS ?= 20
apache-suite: build suite-setup ## Apache's own test classes on ironkeeper; CLASS= chooses, SERVER= is apache, ironkeeper or unmodified
	compat-tests/apache-suite/run.py --server $(SERVER) $(CLASS)

apache-suite-selection: build suite-setup ## a part of them, in minutes
	compat-tests/apache-suite/run.py --selection

apache-suite-all: kerberos suite-setup ## all of them in all modes, in hours; writes compat-tests/apache-suite/REPORT.md
	compat-tests/apache-suite/run.py --all

mixed-quick: build ## a rolling replacement and back, and a part of the matrix
	compat-tests/setup.sh
	compat-tests/mixed/run.py quick

matrix: build ## each kind leads, and learns by DIFF, TRUNC and SNAP, with Apache 3.5 to 3.9; writes docs/mixed.md
	compat-tests/setup.sh
	compat-tests/mixed/run.py matrix --write

rolling: build ## three of Apache's servers under load, replaced one by one and back; ROUNDS= says how often; writes docs/rolling.md
	compat-tests/setup.sh
	compat-tests/mixed/run.py rolling --rounds $(ROUNDS) --write

chaos: build ## random kills, pauses and restarts over mixed ensembles, a minute each; CHAOS_SEEDS= says how many; writes docs/chaos.md
	compat-tests/setup.sh
	compat-tests/mixed/run.py chaos --seeds $(CHAOS_SEEDS) --write

suite-setup:
	compat-tests/setup.sh
	compat-tests/apache-suite/setup.sh

client-suites: build ## the tests of go-zookeeper and kazoo on Apache 3.9.5 and on the release binary; writes their REPORT.md
	compat-tests/setup.sh
	compat-tests/client-suites/setup.sh
	compat-tests/client-suites/run.py

client-suites-quick: build ## two minutes of them, on the release binary alone
	compat-tests/setup.sh
	compat-tests/client-suites/setup.sh
	compat-tests/client-suites/run.py --quick --server ironkeeper

apps: build ## whole applications (Kafka, Patroni, ...) on Apache 3.9.5 and on the release binary
	compat-tests/setup.sh
	compat-tests/apps/setup.sh
	compat-tests/apps/run.py

bench: build ## time and memory next to Apache 3.9.5, ten minutes; writes docs/performance.md
	compat-tests/setup.sh
	bench/run.py

bench-metrics: build ## what metrics cost: a scrape each second, and five minutes with nobody scraping
	compat-tests/setup.sh
	bench/metrics.py

fuzz: ## ten minutes of each fuzz target (needs cargo-fuzz and a nightly toolchain)
	fuzz/run.sh 600

soak: build unit mutants differential-long failover client-suites apache-suite-all matrix rolling chaos ## the long forms of the tests, before an issue is resolved

	compat-tests/setup.sh
	compat-tests/packages-setup.sh
	MODEL_SCHEDULES=20000 $(MAKE) model
	WORDS_ASKED=100000 compat-tests/run.py --subject-only "word callers"
	bench/metrics.py
	for round in 1 2 3; do HISTORIES_SEED=$$round HISTORIES_SECONDS=60 compat-tests/run.py || exit 1; done

clean: ## remove what was built, data and test servers' files included
	cargo clean
	rm -rf data compat-tests/.work
