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

$(VENV)/.made: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is %d.%d; try make PYTHON=python3.12" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --editable '.[dev]'
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
KUBECONFIG_LAB := $(if $(filter current,$(SWEFOUNDRY_CLUSTER)),,KUBECONFIG=$${SWEFOUNDRY_LAB_DIR:-$$HOME/.cache/swefoundry-lab}/kubeconfig)

.PHONY: images install
images: venv ## Build the operator and builder images and push them to the lab's registry
	@$(LAB) images push

install: lab-up images ## Install or upgrade the chart on the lab
	@$(LAB) install

.PHONY: test-lab
test-lab: venv ## Prove that the lab leaves nothing behind: takes it down and up several times
	SWEFOUNDRY_LAB_CYCLE=1 $(VENV)/bin/pytest tests/lab

##@ Generated files
.PHONY: generate
generate: venv ## Write the CRDs, the chart's copies of them and their reference from the models
	@$(RUN) -m swefoundry.api.crds --write
