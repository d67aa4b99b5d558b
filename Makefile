# `make help` lists every target; a test holds that each has a line of help.
PYTHON ?= python3
VENV := .venv
RUN := PYTHONPATH=lab:operator $(VENV)/bin/python
LAB := $(RUN) -m swefoundry_lab
NODES ?= 1
SOURCES := operator lab images samples tests benchmarks scripts

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Setting up
.PHONY: venv
venv: $(VENV)/.made ## Make the Python environment in .venv

$(VENV)/.made: pyproject.toml requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is %d.%d; try make PYTHON=python3.12" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.txt
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

##@ The lab: a real Kubernetes cluster on this machine (Linux, root, Go, Debian packages)
.PHONY: lab-up lab-down lab-status lab-reset
lab-up: venv ## Start the lab, or what of it is missing (NODES=2 for a second node; SWEFOUNDRY_CLUSTER=current for your own)
	@$(LAB) up --nodes $(NODES)

lab-down: venv ## Stop the lab and leave nothing behind; caches and the cluster's state stay
	@$(LAB) down

lab-status: venv ## Show what of the lab runs
	@$(LAB) status

lab-reset: venv ## Stop the lab and forget the cluster's state; programs, base images and the registry stay
	@$(LAB) reset

##@ swefoundry on the cluster
NAMESPACE ?= swefoundry
ifeq ($(SWEFOUNDRY_CLUSTER),current)
LAB_DIR := $(HOME)/.cache/swefoundry
else
LAB_DIR := $(or $(SWEFOUNDRY_LAB_DIR),$(HOME)/.cache/swefoundry-lab)
export KUBECONFIG := $(LAB_DIR)/kubeconfig
export PATH := $(LAB_DIR)/bin:$(PATH)
# The lab's registry as this machine reaches it; the command line reads these.
demo demo-agents: export SWEFOUNDRY_REGISTRY ?= 127.0.0.1:5000
demo demo-agents: export SWEFOUNDRY_REGISTRY_INSECURE ?= true
endif
demo demo-agents: export SWEFOUNDRY_NAMESPACE ?= $(NAMESPACE)
SWE := $(VENV)/bin/swefoundry
DEMO := demo-output
DEMO_LABEL := swefoundry.dev/demo=releases
DEMO_AGENTS := $(DEMO)/agents
DEMO_AGENTS_LABEL := swefoundry.dev/demo=agents
DEMO_SERVED ?= $(DEMO)/git
SCRIPTED_API := /api/v1/namespaces/$(NAMESPACE)/services/swefoundry-scripted-model:8080/proxy

.PHONY: images base-images install demo
images: venv ## Build the product's images and push them to the lab's registry
	@$(LAB) images push

ifeq ($(SWEFOUNDRY_CLUSTER),current)
ADD_BASE_IMAGES := @true
install: venv
	@$(LAB) up
	@kubectl get crd taskinstances.swefoundry.dev >/dev/null || { echo "swefoundry is not installed on this cluster: see docs/install.md"; exit 1; }
else
DEMO_GIT := http://git.lab:8418/demo
DEMO_SERVED := $(LAB_DIR)/git/demo
install: lab-up ## Install or upgrade the chart on the lab (with SWEFOUNDRY_CLUSTER=current: see that it is installed)
	@$(LAB) install
ADD_BASE_IMAGES := @$(LAB) images add golang:1.26 node:20-slim rust:1.96 rust:1.85 maven:3.9-eclipse-temurin-17 gradle:4.4-jdk17
endif
base-images: lab-up ## Build the lab's base images for Go, Java, Node and Rust, which it has on demand
	$(ADD_BASE_IMAGES)

demo: install ## Watch real packages' fixes become validated instances: collect, apply, progress, verdicts, data set
	@rm -rf $(DEMO) && mkdir -p $(DEMO) && kubectl delete ti --namespace $(NAMESPACE) --selector $(DEMO_LABEL) --ignore-not-found
	@echo "== Collecting release pairs (samples/demo-pairs.txt)"
	$(SWE) collect releases --file samples/demo-pairs.txt --out $(DEMO)/manifests --cache $(LAB_DIR)/archives
	@echo "== Applying them to namespace $(NAMESPACE)"
	kubectl apply --server-side --namespace $(NAMESPACE) --filename $(DEMO)/manifests
	@kubectl label --overwrite --namespace $(NAMESPACE) --filename $(DEMO)/manifests $(DEMO_LABEL) >/dev/null
	@echo "== One pair of each other language (samples/demo-language-pairs.txt), while those are validated"
	$(ADD_BASE_IMAGES)
	$(SWE) collect releases --file samples/demo-language-pairs.txt --out $(DEMO)/language-manifests --cache $(LAB_DIR)/archives
	kubectl apply --server-side --namespace $(NAMESPACE) --filename $(DEMO)/language-manifests
	@kubectl label --overwrite --namespace $(NAMESPACE) --filename $(DEMO)/language-manifests $(DEMO_LABEL) >/dev/null
	@echo "== Progress"
	$(SWE) status --watch --selector $(DEMO_LABEL)
	@echo "== Exporting"
	$(SWE) export --selector $(DEMO_LABEL) --out $(DEMO)/instances.jsonl
	$(SWE) export --selector $(DEMO_LABEL) --format swe-factory-status --out $(DEMO)/fail2pass_status.json
	@echo "The data set is $(DEMO)/instances.jsonl; see why any instance ended as it did: $(SWE) why NAME"

.PHONY: run
run: venv ## Run this checkout's operator on this machine in place of the installed one, reloading on change
	@$(LAB) run --namespace $(NAMESPACE)

.PHONY: demo-agents
demo-agents: install ## Watch agents solve two prepared repositories, with a script in place of a language model
	@test -n "$(DEMO_GIT)" || { echo "Agents at work on a cluster of your own: see samples/agents/README.md"; exit 1; }
	@cat samples/agents/notice.txt
	@echo "== Two repositories, as samples/agents describes them"
	@rm -rf $(DEMO_AGENTS) && kubectl delete ti --namespace $(NAMESPACE) --selector $(DEMO_AGENTS_LABEL) --ignore-not-found
	$(VENV)/bin/python samples/agents/prepare.py --served $(DEMO_SERVED) --url $(DEMO_GIT) --out $(DEMO_AGENTS)
	@echo "== The script begins" && date -u +%FT%TZ >$(DEMO)/began
	kubectl replace --raw $(SCRIPTED_API)/_scripted/scripts/demo --filename samples/agents/script.yaml >/dev/null
	kubectl apply --server-side --namespace $(NAMESPACE) --filename $(DEMO_AGENTS)
	@echo "== Progress; costs are at made-up prices"
	$(SWE) status --watch --cost --selector $(DEMO_AGENTS_LABEL)
	@echo "== What went wrong on the way, and what was done about it"
	@kubectl get eb --namespace $(NAMESPACE) demo--jsonpick-12 demo--rpn-3 --output go-template-file=samples/agents/rounds.gotmpl
	@echo "== What the scripted model was asked"
	@kubectl logs --namespace $(NAMESPACE) deployment/swefoundry-scripted-model --since-time=$$(cat $(DEMO)/began) | grep 'rule `demo: '
	@cat samples/agents/notice.txt
	@echo "To look closer, first:              export KUBECONFIG=$$KUBECONFIG SWEFOUNDRY_NAMESPACE=$$SWEFOUNDRY_NAMESPACE SWEFOUNDRY_REGISTRY=$$SWEFOUNDRY_REGISTRY SWEFOUNDRY_REGISTRY_INSECURE=$$SWEFOUNDRY_REGISTRY_INSECURE"
	@echo "Read what was said, like a chat:    $(SWE) transcript demo--rpn-3"
	@echo "See what was tried and what failed: $(SWE) why demo--jsonpick-12"

##@ Tests
.PHONY: lint test-fast test-unit coverage test-cluster test-real test
lint: venv ## Style, types and the architecture's contracts
	$(VENV)/bin/ruff check $(SOURCES)
	$(VENV)/bin/ruff format --check $(SOURCES)
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

CORE := $(addprefix tests/unit/,contracts drafts grading workloads controllers/envbuild controllers/taskinstance)
test-fast: venv ## The pure core: decisions, drafts, grading, Dockerfiles; a few seconds
	$(VENV)/bin/pytest $(CORE) -q

test-unit: venv ## Everything that needs no cluster, the runner's own tests included
	$(MAKE) --no-print-directory -C images/runner check
	$(VENV)/bin/pytest tests/unit tests/repository -n auto --dist worksteal

coverage: venv ## test-unit, and the share of branches that it takes; fails below the floor in pyproject.toml
	$(MAKE) --no-print-directory -C images/runner check
	@mkdir -p build/coverage
	$(VENV)/bin/pytest tests/unit tests/repository -n auto --dist worksteal --cov --cov-report=html:build/coverage/html --cov-report=term:skip-covered

# Most tests wait for pods, so two files run at the same time; those marked `alone` disturb others and follow one by one.
ON_CLUSTER := $(VENV)/bin/pytest tests/cluster tests/real --durations=15 --durations-min=10
test-cluster: ## Everything on the cluster: the lab, or the current context; two files at a time, then what disturbs others
	@$(MAKE) --no-print-directory install base-images
	$(ON_CLUSTER) -m "not real and not alone" -n 2 --dist loadfile; together=$$?; $(ON_CLUSTER) -m alone && exit $$together

test-real: install base-images ## All real release pairs, with the verdict that each is expected to get (an hour)
	$(VENV)/bin/pytest tests/real

test: lint verify docs lab-up coverage test-cluster ## All tests: style, generated files, docs, unit with coverage, chart, schema, cluster

.PHONY: test-lab
test-lab: venv ## Prove that the lab leaves nothing behind: takes it down and up several times
	SWEFOUNDRY_LAB_CYCLE=1 $(VENV)/bin/pytest tests/lab

.PHONY: mutation
mutation: venv ## Change the decision modules one place at a time and list the changes that no test notices (10 minutes)
	@$(VENV)/bin/python scripts/mutation.py

##@ Benchmarks
.PHONY: bench
bench: install ## Ratios on the lab: evaluations against a bare loop, reaction times, API writes, memory (15 minutes)
	$(VENV)/bin/python benchmarks/operator

.PHONY: bench-scale
INSTANCES ?= 1000
bench-scale: lab-up ## Costs per instance of the operator with INSTANCES=1000: real API server and scheduler, simulated nodes (15 minutes)
	nice -n 10 $(VENV)/bin/python benchmarks/scale --instances $(INSTANCES)

.PHONY: bench-agents
bench-agents: venv ## Input tokens and turns of the agents on recorded answers, against f3b3550; no cluster, no model (2 minutes)
	$(VENV)/bin/python benchmarks/agents

##@ Generated files, documentation, releases
.PHONY: lock
LOCK := uv pip compile --quiet --generate-hashes --no-emit-index-url --universal --python-version 3.11 --no-annotate --no-header
lock: ## Pin every dependency by hash, for the images, for development and for releases
	$(VENV)/bin/$(LOCK) --upgrade --output-file images/operator/requirements.txt pyproject.toml
	$(VENV)/bin/$(LOCK) --upgrade --output-file images/scripted-model/requirements.txt images/scripted-model/pyproject.toml
	$(VENV)/bin/$(LOCK) --upgrade --extra dev --output-file requirements-dev.txt pyproject.toml
	$(VENV)/bin/$(LOCK) --upgrade --group release --output-file requirements-release.txt

.PHONY: generate verify
GENERATED := crds charts/swefoundry/files/crds docs/reference docs/settings.md
generate: venv ## Write the CRDs, the chart's copies of them, and the reference of resources, settings and commands
	@$(RUN) -m swefoundry.api.codegen.crds --write
	@$(RUN) -m swefoundry.cli.command_reference docs/reference/cli.md

verify: generate ## Regenerate the generated files, and fail if that changes one; check the lock files
	@git diff --exit-code -- $(GENERATED)
	@test -z "$$(git ls-files --others --exclude-standard -- $(GENERATED))" || { git status --short -- $(GENERATED); exit 1; }
	$(VENV)/bin/pytest tests/repository/test_lock_files.py -q

.PHONY: docs docs-serve
docs docs-serve: export NO_MKDOCS_2_WARNING := 1
docs: venv ## Build the documentation site into build/site; a broken link or a page outside the menu fails it
	$(VENV)/bin/mkdocs build

docs-serve: venv ## Serve the documentation on http://127.0.0.1:8000, reloading on change
	$(VENV)/bin/mkdocs serve

.PHONY: release
IMAGES ?= docker
release: venv ## VERSION=1.2.3: set the version; images, chart, package, bill of materials and checksums into dist/
	@$(RUN) scripts/release.py "$(VERSION)" --images $(IMAGES)
