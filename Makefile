# `make help` lists every target; a target without a line of help is a bug.
PYTHON ?= python3
VENV := .venv
RUN := PYTHONPATH=lab:operator $(VENV)/bin/python
LAB := $(RUN) -m swefoundry_lab
NODES ?= 1

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

.PHONY: images install demo
images: venv ## Build the product's images and push them to the lab's registry
	@$(LAB) images push

ifeq ($(SWEFOUNDRY_CLUSTER),current)
install: venv
	@$(LAB) up
	@kubectl get crd taskinstances.swefoundry.dev >/dev/null || { echo "swefoundry is not installed on this cluster: see docs/install.md"; exit 1; }
else
DEMO_GIT := http://git.lab:8418/demo
DEMO_SERVED := $(LAB_DIR)/git/demo
install: lab-up ## Install or upgrade the chart on the lab (with SWEFOUNDRY_CLUSTER=current: see that it is installed)
	@$(LAB) install
endif

demo: install ## Watch real packages' fixes become validated instances: collect, apply, progress, verdicts, data set
	@rm -rf $(DEMO) && mkdir -p $(DEMO)
	@echo "== Collecting release pairs (samples/demo-pairs.txt)"
	$(SWE) collect releases --file samples/demo-pairs.txt --out $(DEMO)/manifests --cache $(LAB_DIR)/archives
	@echo "== Applying them to namespace $(NAMESPACE)"
	kubectl apply --server-side --namespace $(NAMESPACE) --filename $(DEMO)/manifests
	@kubectl label --overwrite --namespace $(NAMESPACE) --filename $(DEMO)/manifests $(DEMO_LABEL) >/dev/null
	@echo "== Progress"
	$(SWE) status --watch --selector $(DEMO_LABEL)
	@echo "== Exporting"
	$(SWE) export --selector $(DEMO_LABEL) --out $(DEMO)/instances.jsonl
	$(SWE) export --selector $(DEMO_LABEL) --format swe-factory-status --out $(DEMO)/fail2pass_status.json
	@echo "The data set is $(DEMO)/instances.jsonl; see why any instance ended as it did: $(SWE) why NAME"

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
.PHONY: lint test-unit test-cluster test-real test
lint: venv ## Style, types and the architecture's contracts
	$(VENV)/bin/ruff check operator lab images samples tests benchmarks
	$(VENV)/bin/ruff format --check operator lab images samples tests benchmarks
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

test-unit: venv ## Everything that needs no cluster, the runner's own tests included
	$(MAKE) --no-print-directory -C images/runner check
	$(VENV)/bin/pytest tests/unit -n auto

test-cluster: ## Everything on the cluster: the lab with two nodes, or the current context
	@$(MAKE) --no-print-directory install
	$(VENV)/bin/pytest tests/cluster tests/real -m "not real" --durations=15 --durations-min=10

test-real: install ## All real release pairs, with the verdict that each is expected to get (an hour)
	$(VENV)/bin/pytest tests/real

test: lint lab-up test-unit test-cluster ## All tests: style, unit, chart, schema, cluster

.PHONY: test-lab
test-lab: venv ## Prove that the lab leaves nothing behind: takes it down and up several times
	SWEFOUNDRY_LAB_CYCLE=1 $(VENV)/bin/pytest tests/lab

##@ Benchmarks
.PHONY: bench
bench: install ## Ratios on the lab: evaluations against a bare loop, reaction times, API writes, memory (15 minutes)
	$(VENV)/bin/python benchmarks/operator

##@ Generated files
.PHONY: lock
LOCK := uv pip compile --quiet --generate-hashes --no-emit-index-url --universal --python-version 3.11 --no-annotate --no-header
lock: ## Pin every dependency by hash, for the images and for development
	$(VENV)/bin/$(LOCK) --upgrade --output-file images/operator/requirements.txt pyproject.toml
	$(VENV)/bin/$(LOCK) --upgrade --output-file images/scripted-model/requirements.txt images/scripted-model/pyproject.toml
	$(VENV)/bin/$(LOCK) --upgrade --extra dev --output-file requirements-dev.txt pyproject.toml

.PHONY: generate
generate: venv ## Write the CRDs, the chart's copies of them, and the reference of resources and settings
	@$(RUN) -m swefoundry.api.codegen.crds --write
