# Everything there is to do here.  `make` alone lists it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
# There is one machine and one environment: steps wait for one another.
.NOTPARALLEL:

# Where `make run` keeps what it stores, and the port it listens on.
DATA ?= var/bisik
PORT ?= 8080
# yes: `make desk-bundle` brings Firefox ESR along, for machines without a browser.
BROWSER ?= no
# yes: `make release` brings every Debian package along, for machines without an archive.
OFFLINE ?= no
# The gpg key (fingerprint or name) that `make release` signs with; none by default.
SIGN ?=
# ONION=1: behind Tor, on a private network; ONION=public: on the real one.
ONION ?=
# More for pytest, as in: make test ARGS="-m 'not slow' tests/crypto"
# and for ansible-playbook, as in: make deploy ARGS="--check --diff"
ARGS ?=
# The servers that `make deploy` is about; ansible/README.md explains it.
INVENTORY ?=
# How many files of tests run at a time; 0 for one test after the other, in order.
JOBS ?= 0

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
CATALOGUES := $(wildcard source_app/translations/*/LC_MESSAGES/messages.po \
	journalist_app/courier/translations/*/LC_MESSAGES/messages.po \
	journalist_app/workstation/screens/translations/*/LC_MESSAGES/messages.po)

PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOCK := $(BIN)/pip-compile --quiet --no-config --generate-hashes --allow-unsafe \
	--strip-extras --no-emit-options --no-emit-index-url --no-emit-find-links \
	--no-emit-trusted-host

# An administrator's computer reaches the servers by ssh.
DEBIAN_TO_DEPLOY := openssh-client python3 python3-venv
# The desk opens documents of strangers with bubblewrap, poppler and LibreOffice.  tor
# brings tor-gencert, for a private network, and util-linux setpriv.
DEBIAN_TO_RUN := bubblewrap fonts-dejavu-core gnupg gpg-agent \
	libreoffice-calc-nogui libreoffice-impress-nogui libreoffice-writer-nogui \
	libseccomp2 poppler-utils python3 python3-venv tor util-linux
# sq is a second OpenPGP program to check ours against; strace sees what reaches
# the disk; procps and iproute2 look at the processes and ports of a test.
# The browsers are those of reporters: two with windows, and one of text.  zbar reads
# the leaflet as a telephone would.  mmdebstrap makes the empty machine on which the
# desk's bundle is installed, and the one that servers are booted from: by
# systemd-container or qemu, in a network of their own (nftables, slirp4netns), which
# netcat goes into and nmap looks at from outside.  scdaemon and pcscd speak to cards,
# and vsmartcard-vpcd is a reader without plastic.
DEBIAN_TO_TEST := $(DEBIAN_TO_RUN) apparmor chromium e2fsprogs firefox-esr iproute2 lynx \
	libccid mmdebstrap netcat-openbsd nftables nmap openssh-client pcscd postgresql \
	procps qemu-system-x86 scdaemon slirp4netns sq strace systemd-container tar \
	vsmartcard-vpcd zbar-tools


##@ Use

.PHONY: help
help: ## List what there is to do
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-11s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: setup ## Start Bisik on this machine (DATA=var/bisik PORT=8080 ONION=1)
	@exec $(BIN)/bisik run '$(DATA)' --port '$(PORT)' \
		$(if $(ONION),$(if $(filter public,$(ONION)),--public,--onion))


.PHONY: desk-bundle
desk-bundle: setup ## What installs a desk without a network, below dist/ (BROWSER=yes)
	@$(BIN)/python -m scripts.desk_bundle dist $(if $(filter yes,$(BROWSER)),--browser)

# Ansible reads its settings in the folder of the playbook only.
PLAYBOOK := cd ansible && ANSIBLE_CONFIG=ansible.cfg '$(CURDIR)/$(BIN)/ansible-playbook'

.PHONY: deploy
deploy: debian-to-deploy $(STAMPS)/deploy ## Install or update servers (INVENTORY=... ARGS="--check")
	@[ -n '$(INVENTORY)' ] || { \
		echo "bisik: error: which servers?" >&2; \
		echo "bisik: hint: make deploy INVENTORY=FOLDER; ansible/README.md" >&2; \
		exit 2; }
	@$(PLAYBOOK) --inventory '$(abspath $(INVENTORY))' site.yml $(ARGS)

.PHONY: release
release: setup ## What installs a server, below dist/ (OFFLINE=yes SIGN=key)
	@$(BIN)/python -m scripts.release dist $(if $(filter yes,$(OFFLINE)),--offline) \
		$(if $(SIGN),--sign '$(SIGN)')


##@ Develop

.PHONY: test
test: setup-test ## Run every test that boots no machine (JOBS=2 at a time; ARGS="...")
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m "not deployment" $(ARGS)

.PHONY: test-deployed
test-deployed: setup-test ## Boot machines and deploy them (root; ARGS="..." chooses)
	@$(BIN)/python -m pytest -m deployment tests/deployment $(ARGS)

.PHONY: check
check: setup-test ## Look for mistakes without running anything
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python scripts/check_translations.py
	cd ansible && PATH='$(CURDIR)/$(BIN)':"$$PATH" ansible-lint -q
	$(PLAYBOOK) --inventory inventory/example --syntax-check site.yml

.PHONY: format
format: setup-test ## Lay the code out as everybody does
	$(BIN)/ruff check --select I --fix
	$(BIN)/ruff format

.PHONY: bench
bench: setup ## Measure what reporters and officers wait for, and what it costs
	@PYTHONPATH=tests $(BIN)/python -m benchmarks

.PHONY: screenshots
screenshots: setup-test ## Take pictures of every page, below var/screenshots
	@PYTHONPATH=.:tests $(BIN)/python scripts/screenshots.py var/screenshots
	@PYTHONPATH=.:tests $(BIN)/python scripts/screenshots_of_desk.py var/screenshots
	@PYTHONPATH=.:tests $(BIN)/python scripts/screenshots_of_courier.py var/screenshots

.PHONY: lock
lock: setup-test ## Pin the newest versions that requirements/*.in allow
	# The digests of the public index, whatever mirror this machine prefers.
	export CUSTOM_COMPILE_COMMAND='make lock' PIP_CONFIG_FILE=/dev/null; \
	unset PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_FIND_LINKS PIP_CONSTRAINT; \
	$(LOCK) --upgrade --output-file requirements/run.txt \
		requirements/run.in requirements/build.in; \
	$(LOCK) --upgrade --output-file requirements/desk.txt requirements/desk.in; \
	$(LOCK) --upgrade --output-file requirements/deploy.txt requirements/deploy.in; \
	$(LOCK) --upgrade --output-file requirements/server.txt requirements/server.in; \
	$(LOCK) --upgrade --output-file requirements/test.txt requirements/test.in

.PHONY: clean
clean: ## Remove all that was made here, but never what Bisik stored in var/
	rm -rf $(VENV) bisik.egg-info build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	rm -f $(CATALOGUES:.po=.mo)
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +


##@ Behind the scenes (the others call these)

.PHONY: setup
setup: debian-to-run $(STAMPS)/run $(CATALOGUES:.po=.mo) ## Make ready to run

.PHONY: setup-test
setup-test: debian-to-test setup $(STAMPS)/test ## Make ready to test, too

.PHONY: debian-to-deploy debian-to-run debian-to-test
debian-to-deploy:
	@scripts/debian-packages "to deploy Bisik" $(DEBIAN_TO_DEPLOY)
debian-to-run:
	@scripts/debian-packages "to run Bisik" $(DEBIAN_TO_RUN)
debian-to-test:
	@scripts/debian-packages "to test Bisik" $(DEBIAN_TO_TEST)

# A stamp is made when a step is done, so that the next time costs nothing.
# An environment without stamps (half made, or moved here) is completed.
$(STAMPS)/venv: scripts/find-python | debian-to-deploy
	@python=$$(scripts/find-python); \
	if ! $(BIN)/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' \
			2> /dev/null; then \
		echo "Making a virtual environment in $(VENV) with $$python"; \
		"$$python" -m venv --clear $(VENV); \
	fi
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/run: $(STAMPS)/venv requirements/run.txt requirements/run.in setup.cfg \
		pyproject.toml
	@echo "Installing what Bisik runs with"
	@$(PIP_INSTALL) --require-hashes --requirement requirements/run.txt
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(STAMPS)/deploy: $(STAMPS)/venv requirements/deploy.txt
	@echo "Installing what deploys Bisik"
	@$(PIP_INSTALL) --require-hashes --requirement requirements/deploy.txt
	@touch $@

$(STAMPS)/test: $(STAMPS)/run requirements/test.txt
	@echo "Installing what tests and checks Bisik"
	@$(PIP_INSTALL) --require-hashes --requirement requirements/test.txt
	@touch $@

%.mo: %.po $(STAMPS)/run
	@$(BIN)/pybabel --quiet compile --input-file $< --output-file $@
