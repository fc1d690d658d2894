SHELL := /bin/bash

# Arguments for the service, such as ARGS="--port 9000 --model /models/Qwen-Image-Layered".
ARGS ?=

.PHONY: help run build test openapi page packages clean

help:  ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: build  ## Install what is missing, build, and serve the built-in model (ARGS="--port 9000 ...")
	.build/release/mica serve $(ARGS)

build: packages  ## Install what is missing, and build .build/release/mica
	swift build -c release --product mica

test: packages  ## Install what is missing, then build and run every test
	swift build --build-tests
	swift test --skip-build

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

packages:  ## Install missing system packages (Debian 12, Ubuntu 24.04)
	@./deploy/install-packages.sh

clean:  ## Remove what was built
	rm -rf .build
