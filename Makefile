SHELL := /bin/bash

# Arguments for the service, such as ARGS="--port 9000 --model /models/Qwen-Image-Layered".
ARGS ?=
# The most that the end-to-end tests may take.
E2E_SECONDS ?= 1800

.PHONY: help run build test test-e2e test-tsan test-asan avx512-emulate fuzz arm-check gpu-check gpu-emulate gpu-test gpu-bundle openapi page page-picture packages clean

help:  ## Show this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: build  ## Install what is missing, build, and serve the built-in model (ARGS="--port 9000 ...")
	.build/release/mica serve $(ARGS)

build: packages  ## Install what is missing, and build .build/release/mica
	swift build -c release --product mica

test: packages  ## Install what is missing, then build and run every test
	swift build --build-tests
	swift test --skip-build

test-e2e: packages  ## Install what is missing, then test with browsers, proxies and programs of others
	tools/e2e/install-tools.sh
	swift build --product mica
	timeout --kill-after=30 $(E2E_SECONDS) .venv/e2e/bin/pytest tools/e2e $(ARGS)

test-tsan: packages  ## Run every test with the thread sanitizer
	tools/sanitize/test.sh thread

test-asan: packages  ## Run every test with the address sanitizer
	tools/sanitize/test.sh address

avx512-emulate: packages  ## Run the engine's tests with AVX-512 done in C, on a CPU without it (FILTER="...")
	tools/avx512/emulate.sh '$(FILTER)'

fuzz: packages  ## Fuzz TARGET (a name in tools/fuzz/Package.swift) for SECONDS
	tools/fuzz/fuzz.sh $(or $(TARGET),HTTPFuzzer) $(if $(filter command line environment,$(origin SECONDS)),$(SECONDS),60)

arm-check:  ## Compile all C for 64-bit ARM, and compare its kernels in an emulator with this machine's
	tools/arm/check.sh

gpu-check:  ## Check the CUDA backend without a GPU: declarations, plans, kernels (installs NVIDIA's wheels into .venv/cuda)
	swift build --product mica
	tools/cuda/check.sh

gpu-emulate: packages  ## Run the operations and goldens of the CUDA backend on an emulated device (FILTER="...")
	swift build --build-tests
	tools/cuda/emulate.sh '$(FILTER)'

gpu-test:  ## Run everything that wants an NVIDIA GPU, from the sources or from gpu-bundle.tar.xz; results in OUT
	tools/cuda/session.sh $(or $(OUT),out/gpu)

gpu-bundle: packages  ## Make gpu-bundle.tar.xz: the command, the tests and all they need, for a machine with a GPU and no Swift
	tools/cuda/bundle.sh

openapi:  ## Put openapi.yaml into the source that serves it
	@{ echo '// swift-format-ignore-file'; echo; \
	   echo '/// `openapi.yaml` of the project, which the service serves; `make openapi` writes this file.'; \
	   echo 'enum OpenAPIDocument {'; \
	   echo '    static let text = #"""'; \
	   cat openapi.yaml; \
	   printf '\n"""#\n}\n'; } > Sources/ServiceAPI/OpenAPIDocument.swift

page:  ## Put the page's files into the source that serves them
	@cd Sources/ServiceAPI/Page; \
	 { echo "/// The files of the page, each under the path that it is served at; \`make page\` writes this file."; \
	   echo 'enum PageDocument {'; \
	   echo '    static let texts: [(path: String, text: String)] = ['; \
	   for file in page.html page.css page.js page/*; do \
	     path=/$$file; [ $$file != page.html ] || path=/; \
	     printf '        (\n            "%s",\n            #"""\n' $$path; cat $$file; printf '\n"""#\n        ),\n'; \
	   done; \
	   printf '    ]\n}\n'; } > PageDocument.swift

page-picture: packages  ## Take docs/page.png anew, after the page or the default model has changed
	tools/e2e/install-tools.sh
	swift build -c release --product mica
	MICA=$${MICA:-.build/release/mica} .venv/e2e/bin/python tools/e2e/take_picture.py

packages:  ## Install missing system packages (Debian 12, Ubuntu 24.04)
	@./deploy/install-packages.sh

clean:  ## Remove what was built
	rm -rf .build
