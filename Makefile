.DEFAULT_GOAL := help
.PHONY: help deps build image up down lab-up lab-down test lint bench fuzz

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## install from Debian what is missing
	@lab/deps

build: ## build everything
	dotnet build Monolith.sln -nodeReuse:false -p:UseSharedCompilation=false

image: ## build the guest image from Debian packages
	@lab/image/build

up: ## from a fresh machine to a server that answers; repeat it safely
	@lab/up

down: ## leave no process, namespace, mount or file behind, but the caches
	@lab/down

lab-up: ## the fabric alone: namespaces, cables, BGP
	@lab/deps run
	@lab/fabric up

lab-down: ## as down
	@lab/down

test: ## install what is missing and run every test
	@lab/deps
	@tests/run

lint: ## layout and syntax of everything, and what breaks clients
	@lab/deps test
	@tests/lint

bench: ## measure the published programs alone and with a fleet: figure, goal, verdict; 15 minutes
	@lab/deps
	@bench/run

fuzz: ## hostile input, seeds for the simulation, for FUZZ_SECONDS (300), every kill, and quotas recounted: hours; FUZZ_SEED repeats a run
	@tests/fuzz
