// swift-format-ignore-file

/// `openapi.yaml` of the project, which the service serves; `make openapi` writes this file.
enum OpenAPIDocument {
    static let text = #"""
openapi: 3.1.0
info:
  title: Mica
  version: 0.1.0
  summary: Splits a picture into RGBA layers with Qwen-Image-Layered.
  description: |
    One request, one picture, its layers: `POST /v1/layers` waits until the job is done. `POST /v1/jobs` (or
    `Prefer: respond-async`) answers at once with a job, which survives a restart of the service; its progress comes as
    server-sent events. A worker does one job at a time; jobs of different API keys take turns.

    Errors are `application/problem+json` (RFC 9457) with a stable `type`, except on `/v1/images/edits`. 429 and 503
    carry `Retry-After`. Every answer carries `X-Request-Id`, which is the request's own if that is 1 to 64 of letters,
    digits, `.`, `_` and `-`. A `traceparent` (W3C) is taken into the log. GET answers HEAD too; OPTIONS names the
    methods, and answers preflight requests of the origins that the configuration allows.

    Any request may besides get 400, 408, 413, 414, 417, 431, 501, 503 or 505 before it reaches its path: the bytes are
    no HTTP, come too slowly, or are too many.
servers:
  - url: /
security:
  - {}
  - bearer: []
tags:
  - name: layers
    description: A picture in, its layers out.
  - name: jobs
    description: The same, later.
  - name: operation
    description: For load balancers, monitoring and people who look around; no key is needed.
paths:
  /:
    get:
      operationId: getPage
      tags: [operation]
      summary: The page for people; for curl, a command to start with
      security: [{}]
      parameters:
        - $ref: "#/components/parameters/Range"
        - $ref: "#/components/parameters/IfRange"
        - $ref: "#/components/parameters/IfMatch"
        - $ref: "#/components/parameters/IfNoneMatch"
      responses:
        "200":
          description: HTML for who accepts it, else plain text.
          headers:
            Vary: { $ref: "#/components/headers/Vary" }
            ETag: { $ref: "#/components/headers/ETag" }
          content:
            text/html: { schema: { type: string } }
            text/plain: { schema: { type: string } }
        "206": { $ref: "#/components/responses/Part" }
        "304": { $ref: "#/components/responses/NotModified" }
        "412": { $ref: "#/components/responses/PreconditionFailed" }
        "416": { $ref: "#/components/responses/RangeNotSatisfiable" }
  /page.css:
    get:
      operationId: getPageStyle
      tags: [operation]
      summary: The page's style
      security: [{}]
      parameters:
        - $ref: "#/components/parameters/Range"
        - $ref: "#/components/parameters/IfRange"
        - $ref: "#/components/parameters/IfMatch"
        - $ref: "#/components/parameters/IfNoneMatch"
      responses:
        "200": { $ref: "#/components/responses/PageFile" }
        "206": { $ref: "#/components/responses/Part" }
        "304": { $ref: "#/components/responses/NotModified" }
        "412": { $ref: "#/components/responses/PreconditionFailed" }
        "416": { $ref: "#/components/responses/RangeNotSatisfiable" }
  /page.js:
    get:
      operationId: getPageScript
      tags: [operation]
      summary: The page's script
      security: [{}]
      parameters:
        - $ref: "#/components/parameters/Range"
        - $ref: "#/components/parameters/IfRange"
        - $ref: "#/components/parameters/IfMatch"
        - $ref: "#/components/parameters/IfNoneMatch"
      responses:
        "200": { $ref: "#/components/responses/PageFile" }
        "206": { $ref: "#/components/responses/Part" }
        "304": { $ref: "#/components/responses/NotModified" }
        "412": { $ref: "#/components/responses/PreconditionFailed" }
        "416": { $ref: "#/components/responses/RangeNotSatisfiable" }
  /page/{name}:
    get:
      operationId: getPageFile
      tags: [operation]
      summary: A file of the page
      security: [{}]
      parameters:
        - { name: name, in: path, required: true, schema: { type: string, minLength: 1 } }
        - $ref: "#/components/parameters/Range"
        - $ref: "#/components/parameters/IfRange"
        - $ref: "#/components/parameters/IfMatch"
        - $ref: "#/components/parameters/IfNoneMatch"
      responses:
        "200": { $ref: "#/components/responses/PageFile" }
        "206": { $ref: "#/components/responses/Part" }
        "304": { $ref: "#/components/responses/NotModified" }
        "412": { $ref: "#/components/responses/PreconditionFailed" }
        "416": { $ref: "#/components/responses/RangeNotSatisfiable" }
        "400": { $ref: "#/components/responses/BadRequest" }
        "404": { $ref: "#/components/responses/NotFound" }
        "414": { $ref: "#/components/responses/TargetTooLong" }
  /livez:
    get:
      operationId: getLiveness
      tags: [operation]
      summary: Does the process answer? (For a restart if not.)
      security: [{}]
      responses:
        "200":
          description: It does, also while it stops or is full.
          content:
            text/plain: { schema: { type: string, const: "ok\n" } }
  /readyz:
    get:
      operationId: getReadiness
      tags: [operation]
      summary: Should requests be sent here? (For load balancers.)
      security: [{}]
      responses:
        "200":
          description: Yes.
          content:
            application/json:
              schema: { $ref: "#/components/schemas/Readiness" }
        "503":
          description: No; the service is stopping, or a device was lost for good and it is about to end for a restart.
          headers:
            Retry-After: { $ref: "#/components/headers/RetryAfter" }
          content:
            application/json:
              schema: { $ref: "#/components/schemas/Readiness" }
  /healthz:
    get:
      operationId: getHealth
      tags: [operation]
      summary: Is the service up?
      security: [{}]
      responses:
        "200":
          description: It is, and this is its model.
          content:
            application/json:
              schema: { $ref: "#/components/schemas/Health" }
  /version:
    get:
      operationId: getVersion
      tags: [operation]
      summary: Which release this is
      security: [{}]
      responses:
        "200":
          description: Name and version.
          content:
            application/json:
              schema: { $ref: "#/components/schemas/Version" }
  /metrics:
    get:
      operationId: getMetrics
      tags: [operation]
      summary: Counters for Prometheus
      description: Needs a key only if the configuration says so (`metrics_key`).
      responses:
        "200":
          description: Prometheus text format, version 0.0.4.
          content:
            text/plain: { schema: { type: string } }
        "401": { $ref: "#/components/responses/Unauthorized" }
  /openapi.yaml:
    get:
      operationId: getDescription
      tags: [operation]
      summary: This document
      security: [{}]
      responses:
        "200":
          description: OpenAPI 3.1.
          content:
            application/yaml: { schema: { type: string } }
  /v1/models:
    get:
      operationId: listModels
      tags: [layers]
      summary: The model that is served, its defaults and the service's limits
      responses:
        "200":
          description: A list in OpenAI's shape with one entry.
          content:
            application/json:
              schema: { $ref: "#/components/schemas/Models" }
        "401": { $ref: "#/components/responses/Unauthorized" }
  /v1/models/{id}:
    get:
      operationId: showModel
      tags: [layers]
      summary: The model of that name
      parameters:
        - { name: id, in: path, required: true, description: "A name from `/v1/models`.", schema: { type: string } }
      responses:
        "200":
          description: The model, as it is in the list.
          content:
            application/json:
              schema: { $ref: "#/components/schemas/Model" }
        "401": { $ref: "#/components/responses/Unauthorized" }
        "404": { $ref: "#/components/responses/NotFound" }
  /v1/layers:
    post:
      operationId: createLayers
      tags: [layers]
      summary: Split a picture into layers, and wait for them
      description: |
        The picture is the form field `image`, the whole body, or `image` in base64 in a JSON object. PNG, JPEG and WebP
        are read, known by their bytes. Parameters are form fields, JSON members, or query parameters with any kind of
        body; each may be given once, under one of its names. A parameter that is left out takes the model's default.
        Unknown parameters are refused. `steps`, `images` and `caption_language` are other names of `num_inference_steps`,
        `num_images_per_prompt` and `use_en_prompt`; `max_layers` goes with `layers=auto` alone. In a query control
        characters are refused, so that a prompt of several lines has to come in the body.

        A client that closes its connection, or only ends its sending half, cancels its job, unless it named an
        `Idempotency-Key`.
      parameters:
        - $ref: "#/components/parameters/FormatQuery"
        - $ref: "#/components/parameters/LayerFormatQuery"
        - $ref: "#/components/parameters/TrimQuery"
        - $ref: "#/components/parameters/GroupQuery"
        - $ref: "#/components/parameters/MetadataQuery"
        - $ref: "#/components/parameters/Prefer"
        - $ref: "#/components/parameters/PromptQuery"
        - $ref: "#/components/parameters/NegativePromptQuery"
        - $ref: "#/components/parameters/TrueCfgScaleQuery"
        - $ref: "#/components/parameters/LayersQuery"
        - $ref: "#/components/parameters/MaxLayersQuery"
        - $ref: "#/components/parameters/FitQuery"
        - $ref: "#/components/parameters/CleanUpQuery"
        - $ref: "#/components/parameters/EmptyBelowQuery"
        - $ref: "#/components/parameters/OpaqueAboveQuery"
        - $ref: "#/components/parameters/SpeckAreaQuery"
        - $ref: "#/components/parameters/EmptyLayersQuery"
        - $ref: "#/components/parameters/NumInferenceStepsQuery"
        - $ref: "#/components/parameters/StepsQuery"
        - $ref: "#/components/parameters/ResolutionQuery"
        - $ref: "#/components/parameters/CfgNormalizeQuery"
        - $ref: "#/components/parameters/UseEnPromptQuery"
        - $ref: "#/components/parameters/CaptionLanguageQuery"
        - $ref: "#/components/parameters/NumImagesPerPromptQuery"
        - $ref: "#/components/parameters/ImagesQuery"
        - $ref: "#/components/parameters/SeedQuery"
        - $ref: "#/components/parameters/GeneratorQuery"
        - $ref: "#/components/parameters/DtypeQuery"
        - $ref: "#/components/parameters/MaxSequenceLengthQuery"
        - $ref: "#/components/parameters/FirstBlockCacheQuery"
        - $ref: "#/components/parameters/PriorityQuery"
        - $ref: "#/components/parameters/DeadlineSecondsQuery"
        - $ref: "#/components/parameters/IdempotencyKey"
        - $ref: "#/components/parameters/Traceparent"
        - $ref: "#/components/parameters/RequestId"
      requestBody:
        required: true
        content:
          multipart/form-data:
            schema: { $ref: "#/components/schemas/LayersForm" }
          application/json:
            schema: { $ref: "#/components/schemas/LayersJSON" }
          image/png: { schema: { $ref: "#/components/schemas/Bytes" } }
          image/jpeg: { schema: { $ref: "#/components/schemas/Bytes" } }
          image/webp: { schema: { $ref: "#/components/schemas/Bytes" } }
          application/octet-stream: { schema: { $ref: "#/components/schemas/Bytes" } }
      responses:
        "200":
          description: |
            The layers, bottom first, all of the same size. As `multipart/form-data` or `multipart/mixed`: the part
            `result` (JSON), then `layer_1`, `layer_2`, ... (PNG; with several images `image_1_layer_1`, ...), then `psd`
            (with several images `image_1_psd`, ...). As ZIP: `manifest.json` and the PNGs. As PSD: one image only.
          headers:
            Vary: { $ref: "#/components/headers/Vary" }
            Preference-Applied: { $ref: "#/components/headers/PreferenceApplied" }
            Idempotent-Replayed: { $ref: "#/components/headers/IdempotentReplayed" }
          content:
            multipart/form-data:
              schema: { $ref: "#/components/schemas/ResultForm" }
            multipart/mixed:
              schema: { $ref: "#/components/schemas/ResultForm" }
            application/zip: { schema: { $ref: "#/components/schemas/Bytes" } }
            image/vnd.adobe.photoshop: { schema: { $ref: "#/components/schemas/Bytes" } }
            image/x-psb: { schema: { $ref: "#/components/schemas/Bytes" } }
            image/openraster: { schema: { $ref: "#/components/schemas/Bytes" } }
            application/vnd.openxmlformats-officedocument.presentationml.presentation: { schema: { $ref: "#/components/schemas/Bytes" } }
            image/png: { schema: { $ref: "#/components/schemas/Bytes" } }
            application/json:
              schema: { $ref: "#/components/schemas/Result" }
        "202": { $ref: "#/components/responses/JobAccepted" }
        "400": { $ref: "#/components/responses/BadRequest" }
        "401": { $ref: "#/components/responses/Unauthorized" }
        "403": { $ref: "#/components/responses/Forbidden" }
        "406": { $ref: "#/components/responses/NotAcceptable" }
        "408": { $ref: "#/components/responses/Timeout" }
        "409": { $ref: "#/components/responses/Conflict" }
        "413": { $ref: "#/components/responses/ContentTooLarge" }
        "414": { $ref: "#/components/responses/TargetTooLong" }
        "415": { $ref: "#/components/responses/UnsupportedMediaType" }
        "417": { $ref: "#/components/responses/ExpectationFailed" }
        "422": { $ref: "#/components/responses/Unprocessable" }
        "429": { $ref: "#/components/responses/TooManyRequests" }
        "500": { $ref: "#/components/responses/ServerError" }
        "503": { $ref: "#/components/responses/Unavailable" }
        "504": { $ref: "#/components/responses/DeadlineExceeded" }
  /v1/recompose:
    post:
      operationId: recompose
      tags: [layers]
      summary: Put layers back together
      description: |
        Takes layers that were edited elsewhere and answers with the flat picture, or with the layers in another format. The
        layers are a PSD or PSB (8 bits, RGB or grey), an OpenRaster file, a ZIP with `manifest.json` and pictures, or a form
        with a manifest and pictures. Offsets, opacity, visibility, groups, clipping, masks and the blend modes of
        `BlendMode` count; what else a file has (effects, adjustments, artboards, other modes) is refused by its name. So are
        layers and groups that are more work than this service does for one request.
      parameters:
        - name: format
          in: query
          description: The form of the answer; overrides `Accept`. `png` if neither says.
          schema: { type: string, enum: [png, webp, jpeg, psd, psb, ora, pptx, zip, sheet] }
        - name: image
          in: query
          description: Which of several pictures in a manifest, 1 for the first.
          schema: { type: integer, minimum: 1, maximum: 1000, default: 1 }
        - name: background
          in: query
          description: A colour behind the flat picture, as `ffffff` or `fff`. Without one it stays transparent, or is white in JPEG.
          schema: { type: string, pattern: "^#?([0-9a-fA-F]{3}){1,2}$" }
        - name: quality
          in: query
          description: The quality of a JPEG.
          schema: { type: integer, minimum: 1, maximum: 100, default: 95 }
        - name: rounding
          in: query
          description: |
            When the sums of a flat picture become bytes: `once` at the end, as GIMP and psd-tools do; after `each-layer` and
            group, in Krita's arithmetic; `auto` compares with the flat picture that a PSD, PSB or OpenRaster file carries
            and rounds after each layer only where that is nearer. Files without one are rounded once.
          schema: { type: string, enum: [auto, once, each-layer], default: auto }
      requestBody:
        required: true
        content:
          multipart/form-data:
            schema: { $ref: "#/components/schemas/RecomposeForm" }
          image/vnd.adobe.photoshop: { schema: { $ref: "#/components/schemas/Bytes" } }
          image/openraster: { schema: { $ref: "#/components/schemas/Bytes" } }
          application/zip: { schema: { $ref: "#/components/schemas/Bytes" } }
          application/octet-stream: { schema: { $ref: "#/components/schemas/Bytes" } }
      responses:
        "200":
          description: The picture.
          headers:
            Mica-Rounding:
              description: How a flat picture was rounded; missing with other forms.
              schema: { type: string, enum: [once, each-layer] }
            Mica-Difference:
              description: |
                How a flat picture differs from the one that the file carries, with rounding `auto`: the share of the pixels
                that are further than a level away, and the most levels (of 255). Missing if none is, and where nothing was
                compared. Files have it that were edited without their flat picture, or whose program sums in a way that the
                format has no words for (GIMP's newer blend modes in a PSD).
              schema: { type: string, pattern: "^share=[0-9.e-]+, levels=[0-9]+$", examples: ["share=0.2231, levels=61"] }
          content:
            image/png: { schema: { $ref: "#/components/schemas/Bytes" } }
            image/webp: { schema: { $ref: "#/components/schemas/Bytes" } }
            image/jpeg: { schema: { $ref: "#/components/schemas/Bytes" } }
            image/vnd.adobe.photoshop: { schema: { $ref: "#/components/schemas/Bytes" } }
            image/x-psb: { schema: { $ref: "#/components/schemas/Bytes" } }
            image/openraster: { schema: { $ref: "#/components/schemas/Bytes" } }
            application/vnd.openxmlformats-officedocument.presentationml.presentation: { schema: { $ref: "#/components/schemas/Bytes" } }
            application/zip: { schema: { $ref: "#/components/schemas/Bytes" } }
        "400": { $ref: "#/components/responses/BadRequest" }
        "401": { $ref: "#/components/responses/Unauthorized" }
        "406": { $ref: "#/components/responses/NotAcceptable" }
        "408": { $ref: "#/components/responses/Timeout" }
        "413": { $ref: "#/components/responses/ContentTooLarge" }
        "414": { $ref: "#/components/responses/TargetTooLong" }
        "415": { $ref: "#/components/responses/UnsupportedMediaType" }
        "417": { $ref: "#/components/responses/ExpectationFailed" }
        "422": { $ref: "#/components/responses/Unprocessable" }
        "500": { $ref: "#/components/responses/ServerError" }
        "503": { $ref: "#/components/responses/Unavailable" }
  /v1/images/edits:
    post:
      operationId: createImageEdit
      tags: [layers]
      summary: Split a picture into layers, in the shape of OpenAI's image edits
      description: |
        For clients of OpenAI's interface, with the field names that other servers of this model use. The layers come
        flat in `data`, bottom first, image after image. Errors have OpenAI's shape.
      parameters:
        - $ref: "#/components/parameters/IdempotencyKey"
        - $ref: "#/components/parameters/Traceparent"
        - $ref: "#/components/parameters/RequestId"
      requestBody:
        required: true
        content:
          multipart/form-data:
            schema: { $ref: "#/components/schemas/ImageEditForm" }
          application/json:
            schema: { $ref: "#/components/schemas/ImageEditJSON" }
      responses:
        "200":
          description: The layers.
          headers:
            Idempotent-Replayed: { $ref: "#/components/headers/IdempotentReplayed" }
          content:
            application/json:
              schema: { $ref: "#/components/schemas/ImageEditResult" }
        "400": { $ref: "#/components/responses/OpenAIError" }
        "401": { $ref: "#/components/responses/OpenAIUnauthorized" }
        "403": { $ref: "#/components/responses/OpenAIError" }
        "404": { $ref: "#/components/responses/OpenAIError" }
        "406": { $ref: "#/components/responses/OpenAIError" }
        "408": { $ref: "#/components/responses/OpenAIError" }
        "409": { $ref: "#/components/responses/OpenAIError" }
        "413": { $ref: "#/components/responses/OpenAIError" }
        "415": { $ref: "#/components/responses/OpenAIError" }
        "417": { $ref: "#/components/responses/OpenAIError" }
        "422": { $ref: "#/components/responses/OpenAIError" }
        "429": { $ref: "#/components/responses/OpenAIRetry" }
        "500": { $ref: "#/components/responses/OpenAIError" }
        "503": { $ref: "#/components/responses/OpenAIRetry" }
        "504": { $ref: "#/components/responses/OpenAIError" }
  /v1/plan:
    post:
      operationId: createPlan
      tags: [layers]
      summary: Say what a job would take, without doing it
      description: |
        Takes a job's parameters as `/v1/layers` does, with the picture, or with its `width` and `height`, or with neither
        for a square one. The answer has memory, arithmetic, traffic and expected seconds by stage, whether the job fits
        the memory that it may have, in which way, and why the next better way does not fit. No weight is read. A job that
        cannot fit is refused with 422 when it is sent, with the same object as `plan`, and as `fitting` that of the
        nearest job that fits.
      parameters:
        - { name: width, in: query, description: The picture's width in pixels., schema: { $ref: "#/components/schemas/PictureSide" } }
        - { name: height, in: query, description: The picture's height in pixels., schema: { $ref: "#/components/schemas/PictureSide" } }
        - $ref: "#/components/parameters/PromptQuery"
        - $ref: "#/components/parameters/NegativePromptQuery"
        - $ref: "#/components/parameters/TrueCfgScaleQuery"
        - $ref: "#/components/parameters/LayersQuery"
        - $ref: "#/components/parameters/MaxLayersQuery"
        - $ref: "#/components/parameters/FitQuery"
        - $ref: "#/components/parameters/CleanUpQuery"
        - $ref: "#/components/parameters/EmptyBelowQuery"
        - $ref: "#/components/parameters/OpaqueAboveQuery"
        - $ref: "#/components/parameters/SpeckAreaQuery"
        - $ref: "#/components/parameters/EmptyLayersQuery"
        - $ref: "#/components/parameters/NumInferenceStepsQuery"
        - $ref: "#/components/parameters/StepsQuery"
        - $ref: "#/components/parameters/ResolutionQuery"
        - $ref: "#/components/parameters/CfgNormalizeQuery"
        - $ref: "#/components/parameters/UseEnPromptQuery"
        - $ref: "#/components/parameters/CaptionLanguageQuery"
        - $ref: "#/components/parameters/NumImagesPerPromptQuery"
        - $ref: "#/components/parameters/ImagesQuery"
        - $ref: "#/components/parameters/SeedQuery"
        - $ref: "#/components/parameters/GeneratorQuery"
        - $ref: "#/components/parameters/DtypeQuery"
        - $ref: "#/components/parameters/MaxSequenceLengthQuery"
        - $ref: "#/components/parameters/FirstBlockCacheQuery"
        - $ref: "#/components/parameters/PriorityQuery"
        - $ref: "#/components/parameters/DeadlineSecondsQuery"
        - $ref: "#/components/parameters/Traceparent"
        - $ref: "#/components/parameters/RequestId"
      requestBody:
        required: false
        content:
          multipart/form-data:
            schema: { $ref: "#/components/schemas/PlanForm" }
          application/json:
            schema: { $ref: "#/components/schemas/PlanJSON" }
          image/png: { schema: { $ref: "#/components/schemas/Bytes" } }
          image/jpeg: { schema: { $ref: "#/components/schemas/Bytes" } }
          image/webp: { schema: { $ref: "#/components/schemas/Bytes" } }
          application/octet-stream: { schema: { $ref: "#/components/schemas/Bytes" } }
      responses:
        "200":
          description: What the job would take.
          content:
            application/json:
              schema: { $ref: "#/components/schemas/Plan" }
        "400": { $ref: "#/components/responses/BadRequest" }
        "401": { $ref: "#/components/responses/Unauthorized" }
        "403": { $ref: "#/components/responses/Forbidden" }
        "408": { $ref: "#/components/responses/Timeout" }
        "413": { $ref: "#/components/responses/ContentTooLarge" }
        "414": { $ref: "#/components/responses/TargetTooLong" }
        "415": { $ref: "#/components/responses/UnsupportedMediaType" }
        "417": { $ref: "#/components/responses/ExpectationFailed" }
        "422": { $ref: "#/components/responses/Unprocessable" }
        "429": { $ref: "#/components/responses/TooManyRequests" }
        "500": { $ref: "#/components/responses/ServerError" }
        "503": { $ref: "#/components/responses/Unavailable" }
  /v1/jobs:
    post:
      operationId: createJob
      tags: [jobs]
      summary: Split a picture into layers, later
      description: |
        Takes what `POST /v1/layers` takes and answers as soon as the job is stored safely: it survives a crash of the
        service. The same `Idempotency-Key` with the same request gives the same job again.
      parameters:
        - $ref: "#/components/parameters/PromptQuery"
        - $ref: "#/components/parameters/NegativePromptQuery"
        - $ref: "#/components/parameters/TrueCfgScaleQuery"
        - $ref: "#/components/parameters/LayersQuery"
        - $ref: "#/components/parameters/MaxLayersQuery"
        - $ref: "#/components/parameters/FitQuery"
        - $ref: "#/components/parameters/CleanUpQuery"
        - $ref: "#/components/parameters/EmptyBelowQuery"
        - $ref: "#/components/parameters/OpaqueAboveQuery"
        - $ref: "#/components/parameters/SpeckAreaQuery"
        - $ref: "#/components/parameters/EmptyLayersQuery"
        - $ref: "#/components/parameters/NumInferenceStepsQuery"
        - $ref: "#/components/parameters/StepsQuery"
        - $ref: "#/components/parameters/ResolutionQuery"
        - $ref: "#/components/parameters/CfgNormalizeQuery"
        - $ref: "#/components/parameters/UseEnPromptQuery"
        - $ref: "#/components/parameters/CaptionLanguageQuery"
        - $ref: "#/components/parameters/NumImagesPerPromptQuery"
        - $ref: "#/components/parameters/ImagesQuery"
        - $ref: "#/components/parameters/SeedQuery"
        - $ref: "#/components/parameters/GeneratorQuery"
        - $ref: "#/components/parameters/DtypeQuery"
        - $ref: "#/components/parameters/MaxSequenceLengthQuery"
        - $ref: "#/components/parameters/FirstBlockCacheQuery"
        - $ref: "#/components/parameters/PriorityQuery"
        - $ref: "#/components/parameters/DeadlineSecondsQuery"
        - $ref: "#/components/parameters/IdempotencyKey"
        - $ref: "#/components/parameters/Traceparent"
        - $ref: "#/components/parameters/RequestId"
      requestBody:
        required: true
        content:
          multipart/form-data:
            schema: { $ref: "#/components/schemas/LayersForm" }
          application/json:
            schema: { $ref: "#/components/schemas/LayersJSON" }
          image/png: { schema: { $ref: "#/components/schemas/Bytes" } }
          image/jpeg: { schema: { $ref: "#/components/schemas/Bytes" } }
          image/webp: { schema: { $ref: "#/components/schemas/Bytes" } }
          application/octet-stream: { schema: { $ref: "#/components/schemas/Bytes" } }
      responses:
        "202": { $ref: "#/components/responses/JobAccepted" }
        "400": { $ref: "#/components/responses/BadRequest" }
        "401": { $ref: "#/components/responses/Unauthorized" }
        "403": { $ref: "#/components/responses/Forbidden" }
        "408": { $ref: "#/components/responses/Timeout" }
        "413": { $ref: "#/components/responses/ContentTooLarge" }
        "414": { $ref: "#/components/responses/TargetTooLong" }
        "415": { $ref: "#/components/responses/UnsupportedMediaType" }
        "417": { $ref: "#/components/responses/ExpectationFailed" }
        "422": { $ref: "#/components/responses/Unprocessable" }
        "429": { $ref: "#/components/responses/TooManyRequests" }
        "500": { $ref: "#/components/responses/ServerError" }
        "503": { $ref: "#/components/responses/Unavailable" }
    get:
      operationId: listJobs
      tags: [jobs]
      summary: The caller's jobs, newest first
      parameters:
        - name: state
          in: query
          description: Only jobs in this state.
          schema: { $ref: "#/components/schemas/JobState" }
        - name: limit
          in: query
          description: Jobs a page.
          schema: { type: integer, minimum: 1, maximum: 100, default: 20 }
        - name: cursor
          in: query
          description: The `next_cursor` of the page before.
          schema: { type: string, minLength: 1, maxLength: 200 }
      responses:
        "200":
          description: A page of jobs.
          content:
            application/json:
              schema: { $ref: "#/components/schemas/JobList" }
        "400": { $ref: "#/components/responses/BadRequest" }
        "401": { $ref: "#/components/responses/Unauthorized" }
        "414": { $ref: "#/components/responses/TargetTooLong" }
        "422": { $ref: "#/components/responses/Unprocessable" }
        "500": { $ref: "#/components/responses/ServerError" }
        "503": { $ref: "#/components/responses/Unavailable" }
  /v1/jobs/{id}:
    get:
      operationId: getJob
      tags: [jobs]
      summary: Where a job is
      parameters:
        - $ref: "#/components/parameters/JobId"
      responses:
        "200":
          description: The job.
          headers:
            Retry-After: { $ref: "#/components/headers/RetryAfterPoll" }
          content:
            application/json:
              schema: { $ref: "#/components/schemas/Job" }
        "400": { $ref: "#/components/responses/BadRequest" }
        "401": { $ref: "#/components/responses/Unauthorized" }
        "404": { $ref: "#/components/responses/NotFound" }
        "414": { $ref: "#/components/responses/TargetTooLong" }
        "500": { $ref: "#/components/responses/ServerError" }
        "503": { $ref: "#/components/responses/Unavailable" }
    delete:
      operationId: deleteJob
      tags: [jobs]
      summary: Cancel a job, or remove one that has ended
      description: |
        A job that waits or runs is cancelled (202, and it ends as `cancelled` soon); one that has ended is removed with
        its result (204).
      parameters:
        - $ref: "#/components/parameters/JobId"
      responses:
        "202":
          description: The job is being cancelled.
          content:
            application/json:
              schema: { $ref: "#/components/schemas/Job" }
        "204":
          description: The job is gone.
        "400": { $ref: "#/components/responses/BadRequest" }
        "401": { $ref: "#/components/responses/Unauthorized" }
        "404": { $ref: "#/components/responses/NotFound" }
        "414": { $ref: "#/components/responses/TargetTooLong" }
        "500": { $ref: "#/components/responses/ServerError" }
        "503": { $ref: "#/components/responses/Unavailable" }
  /v1/jobs/{id}/events:
    get:
      operationId: followJob
      tags: [jobs]
      summary: A job's progress as server-sent events
      description: |
        `event: waiting` with `JobWaiting`, when the place in the line changes; `event: progress` with `JobProgress`, at
        most a few each second; `event: preview` with `JobPreview`, about ten times while a job of more than a moment is
        denoised, and only where that costs it next to nothing; at last `event: ended` with the `Job`, after which the
        stream ends. It ends without that if the service stops before the job has ended: the job goes on with the next
        start. Whoever connects gets the present state first; there is no `id:`, and nothing is missed by connecting
        again. A comment comes every 15 seconds.
      parameters:
        - $ref: "#/components/parameters/JobId"
      responses:
        "200":
          description: The stream.
          content:
            text/event-stream: {}
        "400": { $ref: "#/components/responses/BadRequest" }
        "401": { $ref: "#/components/responses/Unauthorized" }
        "404": { $ref: "#/components/responses/NotFound" }
        "406": { $ref: "#/components/responses/NotAcceptable" }
        "414": { $ref: "#/components/responses/TargetTooLong" }
        "429": { $ref: "#/components/responses/TooManyRequests" }
        "500": { $ref: "#/components/responses/ServerError" }
        "503": { $ref: "#/components/responses/Unavailable" }
  /v1/jobs/{id}/result:
    get:
      operationId: getJobResult
      tags: [jobs]
      summary: A job's result, in the form of the client's choice
      description: As the answer to `POST /v1/layers`.
      parameters:
        - $ref: "#/components/parameters/JobId"
        - $ref: "#/components/parameters/ImageQuery"
        - $ref: "#/components/parameters/FormatQuery"
        - $ref: "#/components/parameters/LayerFormatQuery"
        - $ref: "#/components/parameters/TrimQuery"
        - $ref: "#/components/parameters/GroupQuery"
        - $ref: "#/components/parameters/MetadataQuery"
        - $ref: "#/components/parameters/Range"
        - $ref: "#/components/parameters/IfRange"
        - $ref: "#/components/parameters/IfMatch"
        - $ref: "#/components/parameters/IfNoneMatch"
        - $ref: "#/components/parameters/IfModifiedSince"
        - $ref: "#/components/parameters/IfUnmodifiedSince"
      responses:
        "200":
          description: The layers; see `POST /v1/layers`.
          headers:
            Vary: { $ref: "#/components/headers/Vary" }
            ETag: { $ref: "#/components/headers/ETag" }
            Last-Modified: { $ref: "#/components/headers/LastModified" }
            Accept-Ranges: { $ref: "#/components/headers/AcceptRanges" }
          content:
            multipart/form-data:
              schema: { $ref: "#/components/schemas/ResultForm" }
            multipart/mixed:
              schema: { $ref: "#/components/schemas/ResultForm" }
            application/zip: { schema: { $ref: "#/components/schemas/Bytes" } }
            image/vnd.adobe.photoshop: { schema: { $ref: "#/components/schemas/Bytes" } }
            image/x-psb: { schema: { $ref: "#/components/schemas/Bytes" } }
            image/openraster: { schema: { $ref: "#/components/schemas/Bytes" } }
            application/vnd.openxmlformats-officedocument.presentationml.presentation: { schema: { $ref: "#/components/schemas/Bytes" } }
            image/png: { schema: { $ref: "#/components/schemas/Bytes" } }
            application/json:
              schema: { $ref: "#/components/schemas/Result" }
        "206": { $ref: "#/components/responses/Part" }
        "304": { $ref: "#/components/responses/NotModified" }
        "400": { $ref: "#/components/responses/BadRequest" }
        "401": { $ref: "#/components/responses/Unauthorized" }
        "404": { $ref: "#/components/responses/NotFound" }
        "406": { $ref: "#/components/responses/NotAcceptable" }
        "409": { $ref: "#/components/responses/Conflict" }
        "410": { $ref: "#/components/responses/Gone" }
        "412": { $ref: "#/components/responses/PreconditionFailed" }
        "414": { $ref: "#/components/responses/TargetTooLong" }
        "416": { $ref: "#/components/responses/RangeNotSatisfiable" }
        "422": { $ref: "#/components/responses/Unprocessable" }
        "500": { $ref: "#/components/responses/ServerError" }
        "503": { $ref: "#/components/responses/Unavailable" }
  /v1/jobs/{id}/manifest:
    get:
      operationId: getJobManifest
      tags: [jobs]
      summary: What a job's result says of itself, without the pictures
      parameters:
        - $ref: "#/components/parameters/JobId"
        - $ref: "#/components/parameters/Range"
        - $ref: "#/components/parameters/IfRange"
        - $ref: "#/components/parameters/IfMatch"
        - $ref: "#/components/parameters/IfNoneMatch"
        - $ref: "#/components/parameters/IfModifiedSince"
        - $ref: "#/components/parameters/IfUnmodifiedSince"
      responses:
        "200":
          description: The description of the layers.
          headers:
            ETag: { $ref: "#/components/headers/ETag" }
            Last-Modified: { $ref: "#/components/headers/LastModified" }
            Accept-Ranges: { $ref: "#/components/headers/AcceptRanges" }
          content:
            application/json:
              schema: { $ref: "#/components/schemas/Result" }
        "206": { $ref: "#/components/responses/Part" }
        "304": { $ref: "#/components/responses/NotModified" }
        "400": { $ref: "#/components/responses/BadRequest" }
        "401": { $ref: "#/components/responses/Unauthorized" }
        "404": { $ref: "#/components/responses/NotFound" }
        "409": { $ref: "#/components/responses/Conflict" }
        "410": { $ref: "#/components/responses/Gone" }
        "412": { $ref: "#/components/responses/PreconditionFailed" }
        "414": { $ref: "#/components/responses/TargetTooLong" }
        "416": { $ref: "#/components/responses/RangeNotSatisfiable" }
        "500": { $ref: "#/components/responses/ServerError" }
        "503": { $ref: "#/components/responses/Unavailable" }
  /v1/jobs/{id}/layers/{n}.png:
    get:
      operationId: getJobLayer
      tags: [jobs]
      summary: One layer
      parameters:
        - $ref: "#/components/parameters/JobId"
        - name: n
          in: path
          required: true
          description: 1 for the bottom layer.
          schema: { type: integer, minimum: 1, maximum: 999 }
        - $ref: "#/components/parameters/ImageQuery"
        - $ref: "#/components/parameters/MetadataQuery"
        - $ref: "#/components/parameters/Range"
        - $ref: "#/components/parameters/IfRange"
        - $ref: "#/components/parameters/IfMatch"
        - $ref: "#/components/parameters/IfNoneMatch"
        - $ref: "#/components/parameters/IfModifiedSince"
        - $ref: "#/components/parameters/IfUnmodifiedSince"
      responses:
        "200":
          description: The layer as PNG.
          headers:
            ETag: { $ref: "#/components/headers/ETag" }
            Last-Modified: { $ref: "#/components/headers/LastModified" }
            Accept-Ranges: { $ref: "#/components/headers/AcceptRanges" }
          content:
            image/png: { schema: { $ref: "#/components/schemas/Bytes" } }
        "206": { $ref: "#/components/responses/Part" }
        "304": { $ref: "#/components/responses/NotModified" }
        "400": { $ref: "#/components/responses/BadRequest" }
        "401": { $ref: "#/components/responses/Unauthorized" }
        "404": { $ref: "#/components/responses/NotFound" }
        "406": { $ref: "#/components/responses/NotAcceptable" }
        "409": { $ref: "#/components/responses/Conflict" }
        "410": { $ref: "#/components/responses/Gone" }
        "412": { $ref: "#/components/responses/PreconditionFailed" }
        "414": { $ref: "#/components/responses/TargetTooLong" }
        "416": { $ref: "#/components/responses/RangeNotSatisfiable" }
        "422": { $ref: "#/components/responses/Unprocessable" }
        "500": { $ref: "#/components/responses/ServerError" }
        "503": { $ref: "#/components/responses/Unavailable" }
  /v1/jobs/{id}/layers/{n}/layers:
    post:
      operationId: splitLayer
      tags: [layers]
      summary: Split one layer of a result into layers
      description: |
        The layer's visible part is decomposed as a picture of its own, and becomes a group of the new layers among the
        others of its result: the answer is that whole picture, whose composite has not changed. Parameters are those of
        `POST /v1/layers`, as query parameters, form fields or JSON members; there need be no body. Layers always have
        the result's size: `fit` has no effect. Answers, waiting and jobs are as for `POST /v1/layers`.
      parameters:
        - $ref: "#/components/parameters/JobId"
        - name: n
          in: path
          required: true
          description: 1 for the bottom layer.
          schema: { type: integer, minimum: 1, maximum: 999 }
        - $ref: "#/components/parameters/ImageQuery"
        - $ref: "#/components/parameters/FormatQuery"
        - $ref: "#/components/parameters/LayerFormatQuery"
        - $ref: "#/components/parameters/TrimQuery"
        - $ref: "#/components/parameters/GroupQuery"
        - $ref: "#/components/parameters/MetadataQuery"
        - $ref: "#/components/parameters/Prefer"
        - $ref: "#/components/parameters/PromptQuery"
        - $ref: "#/components/parameters/NegativePromptQuery"
        - $ref: "#/components/parameters/TrueCfgScaleQuery"
        - $ref: "#/components/parameters/LayersQuery"
        - $ref: "#/components/parameters/MaxLayersQuery"
        - $ref: "#/components/parameters/FitQuery"
        - $ref: "#/components/parameters/CleanUpQuery"
        - $ref: "#/components/parameters/EmptyBelowQuery"
        - $ref: "#/components/parameters/OpaqueAboveQuery"
        - $ref: "#/components/parameters/SpeckAreaQuery"
        - $ref: "#/components/parameters/EmptyLayersQuery"
        - $ref: "#/components/parameters/NumInferenceStepsQuery"
        - $ref: "#/components/parameters/StepsQuery"
        - $ref: "#/components/parameters/ResolutionQuery"
        - $ref: "#/components/parameters/CfgNormalizeQuery"
        - $ref: "#/components/parameters/UseEnPromptQuery"
        - $ref: "#/components/parameters/CaptionLanguageQuery"
        - $ref: "#/components/parameters/NumImagesPerPromptQuery"
        - $ref: "#/components/parameters/ImagesQuery"
        - $ref: "#/components/parameters/SeedQuery"
        - $ref: "#/components/parameters/GeneratorQuery"
        - $ref: "#/components/parameters/DtypeQuery"
        - $ref: "#/components/parameters/MaxSequenceLengthQuery"
        - $ref: "#/components/parameters/FirstBlockCacheQuery"
        - $ref: "#/components/parameters/PriorityQuery"
        - $ref: "#/components/parameters/DeadlineSecondsQuery"
        - $ref: "#/components/parameters/IdempotencyKey"
        - $ref: "#/components/parameters/Traceparent"
        - $ref: "#/components/parameters/RequestId"
      requestBody:
        required: false
        content:
          multipart/form-data:
            schema: { $ref: "#/components/schemas/SplitForm" }
          application/json:
            schema: { $ref: "#/components/schemas/SplitJSON" }
      responses:
        "200":
          description: |
            The layers, bottom first, all of the same size. As `multipart/form-data` or `multipart/mixed`: the part
            `result` (JSON), then `layer_1`, `layer_2`, ... (PNG; with several images `image_1_layer_1`, ...), then `psd`
            (with several images `image_1_psd`, ...). As ZIP: `manifest.json` and the PNGs. As PSD: one image only.
          headers:
            Vary: { $ref: "#/components/headers/Vary" }
            Preference-Applied: { $ref: "#/components/headers/PreferenceApplied" }
            Idempotent-Replayed: { $ref: "#/components/headers/IdempotentReplayed" }
          content:
            multipart/form-data:
              schema: { $ref: "#/components/schemas/ResultForm" }
            multipart/mixed:
              schema: { $ref: "#/components/schemas/ResultForm" }
            application/zip: { schema: { $ref: "#/components/schemas/Bytes" } }
            image/vnd.adobe.photoshop: { schema: { $ref: "#/components/schemas/Bytes" } }
            image/x-psb: { schema: { $ref: "#/components/schemas/Bytes" } }
            image/openraster: { schema: { $ref: "#/components/schemas/Bytes" } }
            application/vnd.openxmlformats-officedocument.presentationml.presentation: { schema: { $ref: "#/components/schemas/Bytes" } }
            image/png: { schema: { $ref: "#/components/schemas/Bytes" } }
            application/json:
              schema: { $ref: "#/components/schemas/Result" }
        "202": { $ref: "#/components/responses/JobAccepted" }
        "400": { $ref: "#/components/responses/BadRequest" }
        "401": { $ref: "#/components/responses/Unauthorized" }
        "403": { $ref: "#/components/responses/Forbidden" }
        "404": { $ref: "#/components/responses/NotFound" }
        "406": { $ref: "#/components/responses/NotAcceptable" }
        "408": { $ref: "#/components/responses/Timeout" }
        "409": { $ref: "#/components/responses/Conflict" }
        "410": { $ref: "#/components/responses/Gone" }
        "413": { $ref: "#/components/responses/ContentTooLarge" }
        "414": { $ref: "#/components/responses/TargetTooLong" }
        "415": { $ref: "#/components/responses/UnsupportedMediaType" }
        "417": { $ref: "#/components/responses/ExpectationFailed" }
        "422": { $ref: "#/components/responses/Unprocessable" }
        "429": { $ref: "#/components/responses/TooManyRequests" }
        "500": { $ref: "#/components/responses/ServerError" }
        "503": { $ref: "#/components/responses/Unavailable" }
        "504": { $ref: "#/components/responses/DeadlineExceeded" }
  /v1/jobs/{id}/layers.psd:
    get:
      operationId: getJobPSD
      tags: [jobs]
      summary: The layered PSD
      parameters:
        - $ref: "#/components/parameters/JobId"
        - $ref: "#/components/parameters/ImageQuery"
        - $ref: "#/components/parameters/GroupQuery"
        - $ref: "#/components/parameters/MetadataQuery"
        - $ref: "#/components/parameters/Range"
        - $ref: "#/components/parameters/IfRange"
        - $ref: "#/components/parameters/IfMatch"
        - $ref: "#/components/parameters/IfNoneMatch"
        - $ref: "#/components/parameters/IfModifiedSince"
        - $ref: "#/components/parameters/IfUnmodifiedSince"
      responses:
        "200":
          description: The layers of one image as PSD.
          headers:
            ETag: { $ref: "#/components/headers/ETag" }
            Last-Modified: { $ref: "#/components/headers/LastModified" }
            Accept-Ranges: { $ref: "#/components/headers/AcceptRanges" }
          content:
            image/vnd.adobe.photoshop: { schema: { $ref: "#/components/schemas/Bytes" } }
        "206": { $ref: "#/components/responses/Part" }
        "304": { $ref: "#/components/responses/NotModified" }
        "400": { $ref: "#/components/responses/BadRequest" }
        "401": { $ref: "#/components/responses/Unauthorized" }
        "404": { $ref: "#/components/responses/NotFound" }
        "406": { $ref: "#/components/responses/NotAcceptable" }
        "409": { $ref: "#/components/responses/Conflict" }
        "410": { $ref: "#/components/responses/Gone" }
        "412": { $ref: "#/components/responses/PreconditionFailed" }
        "414": { $ref: "#/components/responses/TargetTooLong" }
        "416": { $ref: "#/components/responses/RangeNotSatisfiable" }
        "422": { $ref: "#/components/responses/Unprocessable" }
        "500": { $ref: "#/components/responses/ServerError" }
        "503": { $ref: "#/components/responses/Unavailable" }
  /v1/jobs/{id}/layers.zip:
    get:
      operationId: getJobZIP
      tags: [jobs]
      summary: All layers in a ZIP
      parameters:
        - $ref: "#/components/parameters/JobId"
        - $ref: "#/components/parameters/LayerFormatQuery"
        - $ref: "#/components/parameters/TrimQuery"
        - $ref: "#/components/parameters/GroupQuery"
        - $ref: "#/components/parameters/MetadataQuery"
        - $ref: "#/components/parameters/Range"
        - $ref: "#/components/parameters/IfRange"
        - $ref: "#/components/parameters/IfMatch"
        - $ref: "#/components/parameters/IfNoneMatch"
        - $ref: "#/components/parameters/IfModifiedSince"
        - $ref: "#/components/parameters/IfUnmodifiedSince"
      responses:
        "200":
          description: The description, `manifest.json`, and the PNGs.
          headers:
            ETag: { $ref: "#/components/headers/ETag" }
            Last-Modified: { $ref: "#/components/headers/LastModified" }
            Accept-Ranges: { $ref: "#/components/headers/AcceptRanges" }
          content:
            application/zip: { schema: { $ref: "#/components/schemas/Bytes" } }
        "206": { $ref: "#/components/responses/Part" }
        "304": { $ref: "#/components/responses/NotModified" }
        "400": { $ref: "#/components/responses/BadRequest" }
        "401": { $ref: "#/components/responses/Unauthorized" }
        "404": { $ref: "#/components/responses/NotFound" }
        "406": { $ref: "#/components/responses/NotAcceptable" }
        "409": { $ref: "#/components/responses/Conflict" }
        "410": { $ref: "#/components/responses/Gone" }
        "412": { $ref: "#/components/responses/PreconditionFailed" }
        "414": { $ref: "#/components/responses/TargetTooLong" }
        "416": { $ref: "#/components/responses/RangeNotSatisfiable" }
        "422": { $ref: "#/components/responses/Unprocessable" }
        "500": { $ref: "#/components/responses/ServerError" }
        "503": { $ref: "#/components/responses/Unavailable" }
components:
  securitySchemes:
    bearer:
      type: http
      scheme: bearer
      description: An API key made by `mica key`. A service without keys asks for none.
  headers:
    Vary:
      description: What the answer depends on besides the address.
      schema: { type: string }
    ETag:
      description: |
        What these bytes are called, a strong tag, for `If-Range`, `If-Match` and `If-None-Match`. A result's stays as long
        as the result does.
      schema: { type: string }
    LastModified:
      description: When the job ended; its result has not changed since.
      schema: { type: string }
    AcceptRanges:
      description: "`bytes`: a part can be asked for with `Range`."
      schema: { type: string, const: bytes }
    ContentRange:
      description: Which bytes these are, and how many there are in all, such as `bytes 1000-1999/5000`.
      required: true
      schema: { type: string, pattern: "^bytes [0-9]+-[0-9]+/[0-9]+$" }
    ContentRangeBehindEnd:
      description: How many bytes there are, such as `bytes */5000`.
      required: true
      schema: { type: string, pattern: "^bytes [*]/[0-9]+$" }
    RetryAfter:
      description: Seconds.
      required: true
      schema: { type: integer, minimum: 1 }
    RetryAfterPoll:
      description: Seconds after which to ask again, while the job has not ended.
      schema: { type: integer, minimum: 1 }
    PreferenceApplied:
      description: Which preference was followed.
      schema: { type: string }
    IdempotentReplayed:
      description: "`true` if this is the answer to a request that came before."
      schema: { type: string, const: "true" }
  parameters:
    JobId: { name: id, in: path, required: true, schema: { $ref: "#/components/schemas/JobId" } }
    ImageQuery:
      name: image
      in: query
      description: Which of several images, 1 for the first.
      schema: { type: integer, minimum: 1, maximum: 8, default: 1 }
    FormatQuery:
      name: format
      in: query
      description: |
        The form of the result; overrides `Accept`. `psb` is PSD for large pictures, `ora` OpenRaster, `pptx` slides, `sheet`
        a PNG with all layers side by side on a checkerboard.
      schema: { type: string, enum: [multipart, mixed, zip, psd, psb, ora, pptx, sheet, json] }
    LayerFormatQuery:
      name: layer_format
      in: query
      description: The format of single layers in a ZIP; WebP is lossless.
      schema: { type: string, enum: [png, webp], default: png }
    TrimQuery:
      name: trim
      in: query
      description: Single layers in a ZIP without the empty space around them; `manifest.json` says where they lie.
      schema: { type: boolean, default: false }
    GroupQuery:
      name: group
      in: query
      description: One group around all layers in PSD, PSB and OpenRaster.
      schema: { type: boolean, default: true }
    MetadataQuery:
      name: metadata
      in: query
      description: |
        Whether files say how they were made: `parameters` in the form of A1111's web interface and `mica` as JSON in PNGs,
        XMP in PSDs. Both hold the prompt.
      schema: { type: boolean, default: true }
    Prefer:
      name: Prefer
      in: header
      description: |
        `respond-async`: 202 with a job at once (RFC 7240). `wait=N`: the same after N seconds if the layers are not there
        by then; more than 3600 is 3600, as `Preference-Applied` says then.
      schema: { type: string }
    IdempotencyKey:
      name: Idempotency-Key
      in: header
      description: |
        The client's own name for this request, the same when it is sent again: the answer is that of the first one's
        job, whatever became of the connection. With another request it is refused (422).
      schema: { type: string, minLength: 1, maxLength: 255, pattern: "^[!-~]+$" }
    Range:
      name: Range
      in: header
      description: |
        Which bytes are wanted (RFC 9110, section 14), such as `bytes=1000-` to go on with a download. Parts with something
        between them, and what cannot be read, are answered with everything. HEAD takes no notice of it.
      schema: { type: string }
    IfRange:
      name: If-Range
      in: header
      description: The `ETag` or `Last-Modified` of what the client has a part of; `Range` counts only if it is still so.
      schema: { type: string }
    IfMatch:
      name: If-Match
      in: header
      description: "`ETag`s, one of which it must be, or `*`; else 412."
      schema: { type: string }
    IfNoneMatch:
      name: If-None-Match
      in: header
      description: The `ETag` of a file that the client has; 304 says that it is still so.
      schema: { type: string }
    IfModifiedSince:
      name: If-Modified-Since
      in: header
      description: 304 if it is no newer than this. Without `If-None-Match` only.
      schema: { type: string }
    IfUnmodifiedSince:
      name: If-Unmodified-Since
      in: header
      description: 412 if it is newer than this. Without `If-Match` only.
      schema: { type: string }
    Traceparent:
      name: traceparent
      in: header
      description: W3C trace context; its trace id goes into the log.
      schema: { type: string }
    RequestId: { name: X-Request-Id, in: header, description: Echoed if it is safe., schema: { type: string } }
    PromptQuery: { name: prompt, in: query, schema: { $ref: "#/components/schemas/Prompt" } }
    NegativePromptQuery: { name: negative_prompt, in: query, schema: { $ref: "#/components/schemas/NegativePrompt" } }
    TrueCfgScaleQuery: { name: true_cfg_scale, in: query, schema: { $ref: "#/components/schemas/TrueCFGScale" } }
    LayersQuery: { name: layers, in: query, schema: { $ref: "#/components/schemas/LayersWanted" } }
    MaxLayersQuery: { name: max_layers, in: query, schema: { $ref: "#/components/schemas/MaxLayers" } }
    FitQuery: { name: fit, in: query, schema: { $ref: "#/components/schemas/Fit" } }
    CleanUpQuery: { name: clean_up, in: query, schema: { $ref: "#/components/schemas/CleanUp" } }
    EmptyBelowQuery: { name: empty_below, in: query, schema: { $ref: "#/components/schemas/EmptyBelow" } }
    OpaqueAboveQuery: { name: opaque_above, in: query, schema: { $ref: "#/components/schemas/OpaqueAbove" } }
    SpeckAreaQuery: { name: speck_area, in: query, schema: { $ref: "#/components/schemas/SpeckArea" } }
    EmptyLayersQuery: { name: empty_layers, in: query, schema: { $ref: "#/components/schemas/EmptyLayers" } }
    NumInferenceStepsQuery: { name: num_inference_steps, in: query, schema: { $ref: "#/components/schemas/NumInferenceSteps" } }
    StepsQuery: { name: steps, in: query, schema: { $ref: "#/components/schemas/NumInferenceSteps" } }
    ResolutionQuery: { name: resolution, in: query, schema: { $ref: "#/components/schemas/Resolution" } }
    CfgNormalizeQuery: { name: cfg_normalize, in: query, schema: { $ref: "#/components/schemas/CFGNormalize" } }
    UseEnPromptQuery: { name: use_en_prompt, in: query, schema: { $ref: "#/components/schemas/UseEnPrompt" } }
    CaptionLanguageQuery: { name: caption_language, in: query, schema: { $ref: "#/components/schemas/CaptionLanguage" } }
    NumImagesPerPromptQuery: { name: num_images_per_prompt, in: query, schema: { $ref: "#/components/schemas/NumImagesPerPrompt" } }
    ImagesQuery: { name: images, in: query, schema: { $ref: "#/components/schemas/NumImagesPerPrompt" } }
    SeedQuery: { name: seed, in: query, schema: { $ref: "#/components/schemas/Seed" } }
    GeneratorQuery: { name: generator, in: query, schema: { $ref: "#/components/schemas/Generator" } }
    DtypeQuery: { name: dtype, in: query, schema: { $ref: "#/components/schemas/DType" } }
    MaxSequenceLengthQuery: { name: max_sequence_length, in: query, schema: { $ref: "#/components/schemas/MaxSequenceLength" } }
    FirstBlockCacheQuery: { name: first_block_cache, in: query, schema: { $ref: "#/components/schemas/FirstBlockCache" } }
    PriorityQuery: { name: priority, in: query, schema: { $ref: "#/components/schemas/Priority" } }
    DeadlineSecondsQuery: { name: deadline_seconds, in: query, schema: { $ref: "#/components/schemas/DeadlineSeconds" } }
  responses:
    NotModified:
      description: The client has it already.
      headers:
        ETag: { $ref: "#/components/headers/ETag" }
    Part:
      description: The bytes that `Range` asks for; the media type is that of the whole.
      headers:
        ETag: { $ref: "#/components/headers/ETag" }
        Last-Modified: { $ref: "#/components/headers/LastModified" }
        Content-Range: { $ref: "#/components/headers/ContentRange" }
      content:
        multipart/form-data: { schema: { $ref: "#/components/schemas/Bytes" } }
        multipart/mixed: { schema: { $ref: "#/components/schemas/Bytes" } }
        application/zip: { schema: { $ref: "#/components/schemas/Bytes" } }
        image/vnd.adobe.photoshop: { schema: { $ref: "#/components/schemas/Bytes" } }
        image/x-psb: { schema: { $ref: "#/components/schemas/Bytes" } }
        image/openraster: { schema: { $ref: "#/components/schemas/Bytes" } }
        application/vnd.openxmlformats-officedocument.presentationml.presentation: { schema: { $ref: "#/components/schemas/Bytes" } }
        image/png: { schema: { $ref: "#/components/schemas/Bytes" } }
        application/json: {}
        text/html: { schema: { $ref: "#/components/schemas/Bytes" } }
        text/css: { schema: { $ref: "#/components/schemas/Bytes" } }
        text/javascript: { schema: { $ref: "#/components/schemas/Bytes" } }
        image/svg+xml: { schema: { $ref: "#/components/schemas/Bytes" } }
    PreconditionFailed:
      description: It is not what `If-Match` or `If-Unmodified-Since` names.
      content:
        application/problem+json: { schema: { $ref: "#/components/schemas/Problem" } }
    RangeNotSatisfiable:
      description: All of the range lies behind the last byte; `Content-Range` says how many there are.
      headers:
        Content-Range: { $ref: "#/components/headers/ContentRangeBehindEnd" }
      content:
        application/problem+json: { schema: { $ref: "#/components/schemas/Problem" } }
    PageFile:
      description: A file of the page.
      headers:
        ETag: { $ref: "#/components/headers/ETag" }
      content:
        text/css: { schema: { type: string } }
        text/javascript: { schema: { type: string } }
        image/svg+xml: { schema: { type: string } }
    JobAccepted:
      description: The job is stored; it will be done.
      headers:
        Location:
          description: The job.
          required: true
          schema: { type: string }
        Retry-After: { $ref: "#/components/headers/RetryAfterPoll" }
        Preference-Applied: { $ref: "#/components/headers/PreferenceApplied" }
        Idempotent-Replayed: { $ref: "#/components/headers/IdempotentReplayed" }
      content:
        application/json:
          schema: { $ref: "#/components/schemas/Job" }
    BadRequest:
      description: The request is malformed, or has a parameter that is not known.
      content:
        application/problem+json:
          schema: { $ref: "#/components/schemas/Problem" }
    Unauthorized:
      description: A key is needed, or this one is not known.
      headers:
        WWW-Authenticate:
          schema: { type: string }
      content:
        application/problem+json:
          schema: { $ref: "#/components/schemas/Problem" }
    Forbidden:
      description: The key may not do this.
      content:
        application/problem+json:
          schema: { $ref: "#/components/schemas/Problem" }
    NotFound:
      description: There is nothing here for this key.
      content:
        application/problem+json:
          schema: { $ref: "#/components/schemas/Problem" }
    NotAcceptable:
      description: None of the forms there are.
      content:
        application/problem+json:
          schema: { $ref: "#/components/schemas/Problem" }
    Timeout:
      description: The request came too slowly.
      content:
        application/problem+json:
          schema: { $ref: "#/components/schemas/Problem" }
    Conflict:
      description: The job has no result (yet), or was cancelled.
      content:
        application/problem+json:
          schema: { $ref: "#/components/schemas/Problem" }
    Gone:
      description: The result was kept for a time, which is over.
      content:
        application/problem+json:
          schema: { $ref: "#/components/schemas/Problem" }
    ContentTooLarge:
      description: The body is too large.
      content:
        application/problem+json:
          schema: { $ref: "#/components/schemas/Problem" }
    TargetTooLong:
      description: The request line is too long; parameters can be fields of the body.
      content:
        application/problem+json:
          schema: { $ref: "#/components/schemas/Problem" }
    UnsupportedMediaType:
      description: A body or a picture of another kind than is read.
      content:
        application/problem+json:
          schema: { $ref: "#/components/schemas/Problem" }
    ExpectationFailed:
      description: An expectation other than `100-continue`.
      content:
        application/problem+json:
          schema: { $ref: "#/components/schemas/Problem" }
    Unprocessable:
      description: A value out of its range, a damaged picture, or an idempotency key of another request.
      content:
        application/problem+json:
          schema: { $ref: "#/components/schemas/Problem" }
    TooManyRequests:
      description: As many of this key's jobs wait (or as many connections follow this job) as may.
      headers:
        Retry-After: { $ref: "#/components/headers/RetryAfter" }
      content:
        application/problem+json:
          schema: { $ref: "#/components/schemas/Problem" }
    ServerError:
      description: A failure of the service.
      content:
        application/problem+json:
          schema: { $ref: "#/components/schemas/Problem" }
    Unavailable:
      description: |
        Try again later; `type` says why: the line is full, or too many files are being put together or converted
        (`queue-full`); uploads (`uploads-too-large`) or answers that slow clients have yet to take (`answers-too-large`)
        fill the memory that they may have; there are too many connections (`too-many-connections`); the service is stopping
        (`stopping`); the engine has too little memory just now (`out-of-memory`); jobs cannot be stored
        (`storage-failed`).
      headers:
        Retry-After: { $ref: "#/components/headers/RetryAfter" }
        Location:
          description: |
            The job, where it is done and only the answer found no room in memory: its result can be fetched for about two
            minutes, or as long as that of any kept job.
          schema: { type: string }
      content:
        application/problem+json:
          schema: { $ref: "#/components/schemas/Problem" }
    DeadlineExceeded:
      description: The job's deadline passed.
      content:
        application/problem+json:
          schema: { $ref: "#/components/schemas/Problem" }
    OpenAIError:
      description: Why the request was refused or failed.
      content:
        application/json:
          schema: { $ref: "#/components/schemas/OpenAIError" }
    OpenAIRetry:
      description: Too much at once; try again later.
      headers:
        Retry-After: { $ref: "#/components/headers/RetryAfter" }
        Location:
          description: The job whose result is done and can be fetched there, as that of `Unavailable`.
          schema: { type: string }
      content:
        application/json:
          schema: { $ref: "#/components/schemas/OpenAIError" }
    OpenAIUnauthorized:
      description: A key is needed, or this one is not known.
      headers:
        WWW-Authenticate:
          schema: { type: string }
      content:
        application/json:
          schema: { $ref: "#/components/schemas/OpenAIError" }
  schemas:
    Health:
      type: object
      required: [status, model]
      properties:
        status: { type: string, const: ok }
        model: { type: string }
    Readiness:
      type: object
      required: [status]
      properties:
        status: { type: string, enum: [ready, stopping, broken] }
        reason: { type: string, description: Why no job can be done any more; with `broken` alone. }
    Version:
      type: object
      required: [name, version]
      properties:
        name: { type: string, const: mica }
        version: { type: string }
    Problem:
      type: object
      required: [type, title, status, detail]
      properties:
        type: { type: string, pattern: "^urn:mica:problem:[a-z0-9-]+$" }
        title: { type: string }
        status: { type: integer, minimum: 400, maximum: 599 }
        detail: { type: string }
        plan:
          description: What the job that was asked for would take, if it does not fit.
          $ref: "#/components/schemas/Plan"
        fitting:
          description: The nearest job that fits.
          $ref: "#/components/schemas/Plan"
    OpenAIError:
      type: object
      required: [error]
      properties:
        error:
          type: object
          required: [message, type, param, code]
          properties:
            message: { type: string }
            type: { type: string }
            param: { type: [string, "null"] }
            code: { type: [string, "null"] }
    Models:
      type: object
      required: [object, data]
      properties:
        object: { type: string, const: list }
        data:
          type: array
          items: { $ref: "#/components/schemas/Model" }
    Model:
      type: object
      required: [id, object, created, owned_by, captioner, loras, defaults, limits]
      properties:
        id: { type: string }
        object: { type: string, const: model }
        created: { description: "Unix time of the service's start.", type: integer }
        owned_by: { type: string }
        captioner: { description: True if an empty prompt has the model write a caption., type: boolean }
        loras:
          description: What is applied to the transformer; empty for the model as it is.
          type: array
          items: { $ref: "#/components/schemas/AppliedLoRA" }
        defaults: { $ref: "#/components/schemas/Parameters" }
        limits:
          type: object
          required: [upload_bytes, pixels, side]
          properties:
            upload_bytes: { description: The largest body., type: integer }
            pixels: { description: The most pixels of a picture., type: integer }
            side: { description: The longest side of a picture., type: integer }
    Bytes: { description: The file itself., type: string, format: binary }
    AppliedLoRA:
      type: object
      required: [name, weight]
      properties:
        name: { description: The file's name without its ending., type: string }
        weight: { description: What its part is multiplied by., type: number }
    LayersForm:
      type: object
      required: [image]
      additionalProperties: false
      properties:
        image: { type: string, format: binary, contentMediaType: application/octet-stream }
        prompt: { $ref: "#/components/schemas/Prompt" }
        negative_prompt: { $ref: "#/components/schemas/NegativePrompt" }
        true_cfg_scale: { $ref: "#/components/schemas/TrueCFGScale" }
        layers: { $ref: "#/components/schemas/LayersWanted" }
        max_layers: { $ref: "#/components/schemas/MaxLayers" }
        fit: { $ref: "#/components/schemas/Fit" }
        clean_up: { $ref: "#/components/schemas/CleanUp" }
        empty_below: { $ref: "#/components/schemas/EmptyBelow" }
        opaque_above: { $ref: "#/components/schemas/OpaqueAbove" }
        speck_area: { $ref: "#/components/schemas/SpeckArea" }
        empty_layers: { $ref: "#/components/schemas/EmptyLayers" }
        num_inference_steps: { $ref: "#/components/schemas/NumInferenceSteps" }
        steps: { $ref: "#/components/schemas/NumInferenceSteps" }
        resolution: { $ref: "#/components/schemas/Resolution" }
        cfg_normalize: { $ref: "#/components/schemas/CFGNormalize" }
        use_en_prompt: { $ref: "#/components/schemas/UseEnPrompt" }
        caption_language: { $ref: "#/components/schemas/CaptionLanguage" }
        num_images_per_prompt: { $ref: "#/components/schemas/NumImagesPerPrompt" }
        images: { $ref: "#/components/schemas/NumImagesPerPrompt" }
        seed: { $ref: "#/components/schemas/Seed" }
        generator: { $ref: "#/components/schemas/Generator" }
        dtype: { $ref: "#/components/schemas/DType" }
        max_sequence_length: { $ref: "#/components/schemas/MaxSequenceLength" }
        first_block_cache: { $ref: "#/components/schemas/FirstBlockCache" }
        priority: { $ref: "#/components/schemas/Priority" }
        deadline_seconds: { $ref: "#/components/schemas/DeadlineSeconds" }
    SplitForm:
      type: object
      additionalProperties: false
      properties:
        prompt: { $ref: "#/components/schemas/Prompt" }
        negative_prompt: { $ref: "#/components/schemas/NegativePrompt" }
        true_cfg_scale: { $ref: "#/components/schemas/TrueCFGScale" }
        layers: { $ref: "#/components/schemas/LayersWanted" }
        max_layers: { $ref: "#/components/schemas/MaxLayers" }
        fit: { $ref: "#/components/schemas/Fit" }
        clean_up: { $ref: "#/components/schemas/CleanUp" }
        empty_below: { $ref: "#/components/schemas/EmptyBelow" }
        opaque_above: { $ref: "#/components/schemas/OpaqueAbove" }
        speck_area: { $ref: "#/components/schemas/SpeckArea" }
        empty_layers: { $ref: "#/components/schemas/EmptyLayers" }
        num_inference_steps: { $ref: "#/components/schemas/NumInferenceSteps" }
        steps: { $ref: "#/components/schemas/NumInferenceSteps" }
        resolution: { $ref: "#/components/schemas/Resolution" }
        cfg_normalize: { $ref: "#/components/schemas/CFGNormalize" }
        use_en_prompt: { $ref: "#/components/schemas/UseEnPrompt" }
        caption_language: { $ref: "#/components/schemas/CaptionLanguage" }
        num_images_per_prompt: { $ref: "#/components/schemas/NumImagesPerPrompt" }
        images: { $ref: "#/components/schemas/NumImagesPerPrompt" }
        seed: { $ref: "#/components/schemas/Seed" }
        generator: { $ref: "#/components/schemas/Generator" }
        dtype: { $ref: "#/components/schemas/DType" }
        max_sequence_length: { $ref: "#/components/schemas/MaxSequenceLength" }
        first_block_cache: { $ref: "#/components/schemas/FirstBlockCache" }
        priority: { $ref: "#/components/schemas/Priority" }
        deadline_seconds: { $ref: "#/components/schemas/DeadlineSeconds" }
    SplitJSON:
      description: A member that is null counts as missing.
      type: object
      additionalProperties: false
      properties:
        prompt: { anyOf: [{ $ref: "#/components/schemas/Prompt" }, { type: "null" }] }
        negative_prompt: { anyOf: [{ $ref: "#/components/schemas/NegativePrompt" }, { type: "null" }] }
        true_cfg_scale: { anyOf: [{ $ref: "#/components/schemas/TrueCFGScale" }, { type: "null" }] }
        layers: { anyOf: [{ $ref: "#/components/schemas/LayersWanted" }, { type: "null" }] }
        max_layers: { anyOf: [{ $ref: "#/components/schemas/MaxLayers" }, { type: "null" }] }
        fit: { anyOf: [{ $ref: "#/components/schemas/Fit" }, { type: "null" }] }
        clean_up: { anyOf: [{ $ref: "#/components/schemas/CleanUp" }, { type: "null" }] }
        empty_below: { anyOf: [{ $ref: "#/components/schemas/EmptyBelow" }, { type: "null" }] }
        opaque_above: { anyOf: [{ $ref: "#/components/schemas/OpaqueAbove" }, { type: "null" }] }
        speck_area: { anyOf: [{ $ref: "#/components/schemas/SpeckArea" }, { type: "null" }] }
        empty_layers: { anyOf: [{ $ref: "#/components/schemas/EmptyLayers" }, { type: "null" }] }
        num_inference_steps: { anyOf: [{ $ref: "#/components/schemas/NumInferenceSteps" }, { type: "null" }] }
        steps: { anyOf: [{ $ref: "#/components/schemas/NumInferenceSteps" }, { type: "null" }] }
        resolution: { anyOf: [{ $ref: "#/components/schemas/Resolution" }, { type: "null" }] }
        cfg_normalize: { anyOf: [{ $ref: "#/components/schemas/CFGNormalize" }, { type: "null" }] }
        use_en_prompt: { anyOf: [{ $ref: "#/components/schemas/UseEnPrompt" }, { type: "null" }] }
        caption_language: { anyOf: [{ $ref: "#/components/schemas/CaptionLanguage" }, { type: "null" }] }
        num_images_per_prompt: { anyOf: [{ $ref: "#/components/schemas/NumImagesPerPrompt" }, { type: "null" }] }
        images: { anyOf: [{ $ref: "#/components/schemas/NumImagesPerPrompt" }, { type: "null" }] }
        seed: { anyOf: [{ $ref: "#/components/schemas/Seed" }, { type: "null" }] }
        generator: { anyOf: [{ $ref: "#/components/schemas/Generator" }, { type: "null" }] }
        dtype: { anyOf: [{ $ref: "#/components/schemas/DType" }, { type: "null" }] }
        max_sequence_length: { anyOf: [{ $ref: "#/components/schemas/MaxSequenceLength" }, { type: "null" }] }
        first_block_cache: { anyOf: [{ $ref: "#/components/schemas/FirstBlockCache" }, { type: "null" }] }
        priority: { anyOf: [{ $ref: "#/components/schemas/Priority" }, { type: "null" }] }
        deadline_seconds: { anyOf: [{ $ref: "#/components/schemas/DeadlineSeconds" }, { type: "null" }] }
    LayersJSON:
      description: A member that is null counts as missing.
      type: object
      required: [image]
      additionalProperties: false
      properties:
        image:
          description: The picture's file in base64, or as a `data:` URL with base64.
          type: string
          contentEncoding: base64
        prompt: { anyOf: [{ $ref: "#/components/schemas/Prompt" }, { type: "null" }] }
        negative_prompt: { anyOf: [{ $ref: "#/components/schemas/NegativePrompt" }, { type: "null" }] }
        true_cfg_scale: { anyOf: [{ $ref: "#/components/schemas/TrueCFGScale" }, { type: "null" }] }
        layers: { anyOf: [{ $ref: "#/components/schemas/LayersWanted" }, { type: "null" }] }
        max_layers: { anyOf: [{ $ref: "#/components/schemas/MaxLayers" }, { type: "null" }] }
        fit: { anyOf: [{ $ref: "#/components/schemas/Fit" }, { type: "null" }] }
        clean_up: { anyOf: [{ $ref: "#/components/schemas/CleanUp" }, { type: "null" }] }
        empty_below: { anyOf: [{ $ref: "#/components/schemas/EmptyBelow" }, { type: "null" }] }
        opaque_above: { anyOf: [{ $ref: "#/components/schemas/OpaqueAbove" }, { type: "null" }] }
        speck_area: { anyOf: [{ $ref: "#/components/schemas/SpeckArea" }, { type: "null" }] }
        empty_layers: { anyOf: [{ $ref: "#/components/schemas/EmptyLayers" }, { type: "null" }] }
        num_inference_steps: { anyOf: [{ $ref: "#/components/schemas/NumInferenceSteps" }, { type: "null" }] }
        steps: { anyOf: [{ $ref: "#/components/schemas/NumInferenceSteps" }, { type: "null" }] }
        resolution: { anyOf: [{ $ref: "#/components/schemas/Resolution" }, { type: "null" }] }
        cfg_normalize: { anyOf: [{ $ref: "#/components/schemas/CFGNormalize" }, { type: "null" }] }
        use_en_prompt: { anyOf: [{ $ref: "#/components/schemas/UseEnPrompt" }, { type: "null" }] }
        caption_language: { anyOf: [{ $ref: "#/components/schemas/CaptionLanguage" }, { type: "null" }] }
        num_images_per_prompt: { anyOf: [{ $ref: "#/components/schemas/NumImagesPerPrompt" }, { type: "null" }] }
        images: { anyOf: [{ $ref: "#/components/schemas/NumImagesPerPrompt" }, { type: "null" }] }
        seed: { anyOf: [{ $ref: "#/components/schemas/Seed" }, { type: "null" }] }
        generator: { anyOf: [{ $ref: "#/components/schemas/Generator" }, { type: "null" }] }
        dtype: { anyOf: [{ $ref: "#/components/schemas/DType" }, { type: "null" }] }
        max_sequence_length: { anyOf: [{ $ref: "#/components/schemas/MaxSequenceLength" }, { type: "null" }] }
        first_block_cache: { anyOf: [{ $ref: "#/components/schemas/FirstBlockCache" }, { type: "null" }] }
        priority: { anyOf: [{ $ref: "#/components/schemas/Priority" }, { type: "null" }] }
        deadline_seconds: { anyOf: [{ $ref: "#/components/schemas/DeadlineSeconds" }, { type: "null" }] }
    PlanForm:
      type: object
      additionalProperties: false
      properties:
        image: { type: string, format: binary, contentMediaType: application/octet-stream }
        prompt: { $ref: "#/components/schemas/Prompt" }
        negative_prompt: { $ref: "#/components/schemas/NegativePrompt" }
        true_cfg_scale: { $ref: "#/components/schemas/TrueCFGScale" }
        layers: { $ref: "#/components/schemas/LayersWanted" }
        max_layers: { $ref: "#/components/schemas/MaxLayers" }
        fit: { $ref: "#/components/schemas/Fit" }
        clean_up: { $ref: "#/components/schemas/CleanUp" }
        empty_below: { $ref: "#/components/schemas/EmptyBelow" }
        opaque_above: { $ref: "#/components/schemas/OpaqueAbove" }
        speck_area: { $ref: "#/components/schemas/SpeckArea" }
        empty_layers: { $ref: "#/components/schemas/EmptyLayers" }
        num_inference_steps: { $ref: "#/components/schemas/NumInferenceSteps" }
        steps: { $ref: "#/components/schemas/NumInferenceSteps" }
        resolution: { $ref: "#/components/schemas/Resolution" }
        cfg_normalize: { $ref: "#/components/schemas/CFGNormalize" }
        use_en_prompt: { $ref: "#/components/schemas/UseEnPrompt" }
        caption_language: { $ref: "#/components/schemas/CaptionLanguage" }
        num_images_per_prompt: { $ref: "#/components/schemas/NumImagesPerPrompt" }
        images: { $ref: "#/components/schemas/NumImagesPerPrompt" }
        seed: { $ref: "#/components/schemas/Seed" }
        generator: { $ref: "#/components/schemas/Generator" }
        dtype: { $ref: "#/components/schemas/DType" }
        max_sequence_length: { $ref: "#/components/schemas/MaxSequenceLength" }
        first_block_cache: { $ref: "#/components/schemas/FirstBlockCache" }
        priority: { $ref: "#/components/schemas/Priority" }
        deadline_seconds: { $ref: "#/components/schemas/DeadlineSeconds" }
        width: { $ref: "#/components/schemas/PictureSide" }
        height: { $ref: "#/components/schemas/PictureSide" }
    PlanJSON:
      description: A member that is null counts as missing.
      type: object
      additionalProperties: false
      properties:
        image:
          description: The picture's file in base64, or as a `data:` URL with base64.
          type: [string, "null"]
          contentEncoding: base64
        prompt: { anyOf: [{ $ref: "#/components/schemas/Prompt" }, { type: "null" }] }
        negative_prompt: { anyOf: [{ $ref: "#/components/schemas/NegativePrompt" }, { type: "null" }] }
        true_cfg_scale: { anyOf: [{ $ref: "#/components/schemas/TrueCFGScale" }, { type: "null" }] }
        layers: { anyOf: [{ $ref: "#/components/schemas/LayersWanted" }, { type: "null" }] }
        max_layers: { anyOf: [{ $ref: "#/components/schemas/MaxLayers" }, { type: "null" }] }
        fit: { anyOf: [{ $ref: "#/components/schemas/Fit" }, { type: "null" }] }
        clean_up: { anyOf: [{ $ref: "#/components/schemas/CleanUp" }, { type: "null" }] }
        empty_below: { anyOf: [{ $ref: "#/components/schemas/EmptyBelow" }, { type: "null" }] }
        opaque_above: { anyOf: [{ $ref: "#/components/schemas/OpaqueAbove" }, { type: "null" }] }
        speck_area: { anyOf: [{ $ref: "#/components/schemas/SpeckArea" }, { type: "null" }] }
        empty_layers: { anyOf: [{ $ref: "#/components/schemas/EmptyLayers" }, { type: "null" }] }
        num_inference_steps: { anyOf: [{ $ref: "#/components/schemas/NumInferenceSteps" }, { type: "null" }] }
        steps: { anyOf: [{ $ref: "#/components/schemas/NumInferenceSteps" }, { type: "null" }] }
        resolution: { anyOf: [{ $ref: "#/components/schemas/Resolution" }, { type: "null" }] }
        cfg_normalize: { anyOf: [{ $ref: "#/components/schemas/CFGNormalize" }, { type: "null" }] }
        use_en_prompt: { anyOf: [{ $ref: "#/components/schemas/UseEnPrompt" }, { type: "null" }] }
        caption_language: { anyOf: [{ $ref: "#/components/schemas/CaptionLanguage" }, { type: "null" }] }
        num_images_per_prompt: { anyOf: [{ $ref: "#/components/schemas/NumImagesPerPrompt" }, { type: "null" }] }
        images: { anyOf: [{ $ref: "#/components/schemas/NumImagesPerPrompt" }, { type: "null" }] }
        seed: { anyOf: [{ $ref: "#/components/schemas/Seed" }, { type: "null" }] }
        generator: { anyOf: [{ $ref: "#/components/schemas/Generator" }, { type: "null" }] }
        dtype: { anyOf: [{ $ref: "#/components/schemas/DType" }, { type: "null" }] }
        max_sequence_length: { anyOf: [{ $ref: "#/components/schemas/MaxSequenceLength" }, { type: "null" }] }
        first_block_cache: { anyOf: [{ $ref: "#/components/schemas/FirstBlockCache" }, { type: "null" }] }
        priority: { anyOf: [{ $ref: "#/components/schemas/Priority" }, { type: "null" }] }
        deadline_seconds: { anyOf: [{ $ref: "#/components/schemas/DeadlineSeconds" }, { type: "null" }] }
        width: { anyOf: [{ $ref: "#/components/schemas/PictureSide" }, { type: "null" }] }
        height: { anyOf: [{ $ref: "#/components/schemas/PictureSide" }, { type: "null" }] }
    PictureSide: { type: integer, minimum: 1, maximum: 16384 }
    Plan:
      type: object
      required: [model, device, precision, width, height, resolution, layers, num_inference_steps, num_images_per_prompt,
        fits, plan, vae_tiles, smallest_bytes, peak_tensor_bytes, peak_process_bytes, mapped_process_bytes, flops, seconds, rates, stages,
        plans]
      properties:
        model: { type: string }
        device: { type: string }
        precision: { description: In what matrices are multiplied., type: string }
        width: { description: Of the layers in pixels., type: integer }
        height: { type: integer }
        resolution: { $ref: "#/components/schemas/Resolution" }
        layers: { $ref: "#/components/schemas/Layers" }
        num_inference_steps: { $ref: "#/components/schemas/NumInferenceSteps" }
        num_images_per_prompt: { $ref: "#/components/schemas/NumImagesPerPrompt" }
        fits: { description: True if the job can be done., type: boolean }
        plan: { description: "Where the weights live; what needs least if nothing fits.", type: string }
        vae_tiles: { description: True if the autoencoder takes its pictures in tiles., type: boolean }
        budget_bytes: { description: What the device may hold; not there without a limit., type: integer }
        smallest_bytes: { description: The least that any way needs on the device., type: integer }
        host_budget_bytes: { description: What all of a job may hold on the host; not there without a limit., type: integer }
        smallest_host_bytes:
          description: >-
            The least that a way needs on the host which the devices can hold; not there without a limit of the host, or such a way.
          type: integer
        peak_tensor_bytes: { description: The most bytes of tensors on the device at once., type: integer }
        peak_process_bytes:
          description: The most bytes of the process above what it had before, mapped checkpoints included.
          type: integer
        mapped_process_bytes:
          description: What of these are pages of the mapped checkpoint, which the system takes back where memory is short.
          type: integer
        flops: { type: number }
        seconds: { description: Expected wall time., type: number }
        rates:
          description: Where the speeds come from that the seconds follow from.
          type: string
          enum: [measured, published, assumed]
        stages:
          type: array
          items:
            type: object
            required: [stage, peak_tensor_bytes, held_weight_bytes, shared_weight_bytes, peak_process_bytes, read_bytes,
              moved_bytes, read_bytes_a_repetition, repetitions, flops, seconds, limit]
            properties:
              stage:
                description: A stage of the job; the last one, `finish`, fits the layers to the picture and writes their PNGs on the host (its seconds are not counted).
                type: string
              peak_tensor_bytes: { type: integer }
              held_weight_bytes: { description: Weights on the device., type: integer }
              shared_weight_bytes: { description: Weights used where the checkpoint is mapped., type: integer }
              peak_process_bytes: { type: integer }
              read_bytes: { description: Bytes of checkpoints that are read., type: integer }
              moved_bytes: { description: Bytes that go to the device., type: integer }
              read_bytes_a_repetition:
                description: Bytes that are read again in each step, token or layer.
                type: integer
              repetitions: { description: "Steps, tokens or layers.", type: integer }
              flops: { type: number }
              seconds: { type: number }
              limit: { description: What takes most of the time., type: string, enum: [arithmetic, memory, storage, link] }
        plans:
          description: The ways that were looked at, fastest first, up to the one that is taken.
          type: array
          items:
            type: object
            required: [plan, vae_tiles, fits]
            properties:
              plan: { type: string }
              vae_tiles: { type: boolean }
              fits: { type: boolean }
              reason: { description: Why it is not taken., type: string }
              peak_tensor_bytes: { type: integer }
              seconds: { type: number }
    ImageEditForm:
      type: object
      anyOf: [{ required: [image] }, { required: ["image[]"] }]
      additionalProperties: false
      properties:
        image: { type: string, format: binary, contentMediaType: application/octet-stream }
        "image[]":
          description: The same, as OpenAI's client names it.
          type: string
          format: binary
          contentMediaType: application/octet-stream
        prompt: { $ref: "#/components/schemas/Prompt" }
        negative_prompt: { $ref: "#/components/schemas/NegativePrompt" }
        layers: { $ref: "#/components/schemas/LayersWanted" }
        max_layers: { $ref: "#/components/schemas/MaxLayers" }
        fit: { $ref: "#/components/schemas/Fit" }
        clean_up: { $ref: "#/components/schemas/CleanUp" }
        empty_below: { $ref: "#/components/schemas/EmptyBelow" }
        opaque_above: { $ref: "#/components/schemas/OpaqueAbove" }
        speck_area: { $ref: "#/components/schemas/SpeckArea" }
        empty_layers: { $ref: "#/components/schemas/EmptyLayers" }
        resolution: { $ref: "#/components/schemas/Resolution" }
        num_inference_steps: { $ref: "#/components/schemas/NumInferenceSteps" }
        true_cfg_scale: { $ref: "#/components/schemas/TrueCFGScale" }
        seed: { $ref: "#/components/schemas/Seed" }
        n: { $ref: "#/components/schemas/NumImagesPerPrompt" }
        num_images_per_prompt: { $ref: "#/components/schemas/NumImagesPerPrompt" }
        cfg_normalize: { $ref: "#/components/schemas/CFGNormalize" }
        use_en_prompt: { $ref: "#/components/schemas/UseEnPrompt" }
        max_sequence_length: { $ref: "#/components/schemas/MaxSequenceLength" }
        first_block_cache: { $ref: "#/components/schemas/FirstBlockCache" }
        model: { description: The served model's id; may be left out., type: string }
        size: { description: "`auto`, or a square such as `1024x1024`, another way to say `resolution`.", type: string }
        response_format: { type: string, const: b64_json }
        output_format: { type: string, const: png }
        background: { type: string, enum: [auto, transparent] }
        user: { description: Not used., type: string, maxLength: 512 }
        quality: { description: Not used., type: string, enum: [auto, standard, low, medium, high, hd] }
        input_fidelity: { description: Not used., type: string, enum: [high, low] }
        moderation: { description: Not used., type: string, enum: [auto, low] }
        output_compression: { description: Not used., type: integer, minimum: 0, maximum: 100 }
        stream: { description: The answer comes as a whole., type: boolean, const: false }
        partial_images: { description: The answer comes as a whole., type: integer, const: 0 }
        steps: { $ref: "#/components/schemas/NumInferenceSteps" }
        caption_language: { $ref: "#/components/schemas/CaptionLanguage" }
        images: { $ref: "#/components/schemas/NumImagesPerPrompt" }
        generator: { $ref: "#/components/schemas/Generator" }
        dtype: { $ref: "#/components/schemas/DType" }
        priority: { $ref: "#/components/schemas/Priority" }
        deadline_seconds: { $ref: "#/components/schemas/DeadlineSeconds" }
    ImageEditJSON:
      description: A member that is null counts as missing.
      type: object
      required: [image]
      additionalProperties: false
      properties:
        image: { type: string, contentEncoding: base64 }
        prompt: { anyOf: [{ $ref: "#/components/schemas/Prompt" }, { type: "null" }] }
        negative_prompt: { anyOf: [{ $ref: "#/components/schemas/NegativePrompt" }, { type: "null" }] }
        layers: { anyOf: [{ $ref: "#/components/schemas/LayersWanted" }, { type: "null" }] }
        max_layers: { anyOf: [{ $ref: "#/components/schemas/MaxLayers" }, { type: "null" }] }
        fit: { anyOf: [{ $ref: "#/components/schemas/Fit" }, { type: "null" }] }
        clean_up: { anyOf: [{ $ref: "#/components/schemas/CleanUp" }, { type: "null" }] }
        empty_below: { anyOf: [{ $ref: "#/components/schemas/EmptyBelow" }, { type: "null" }] }
        opaque_above: { anyOf: [{ $ref: "#/components/schemas/OpaqueAbove" }, { type: "null" }] }
        speck_area: { anyOf: [{ $ref: "#/components/schemas/SpeckArea" }, { type: "null" }] }
        empty_layers: { anyOf: [{ $ref: "#/components/schemas/EmptyLayers" }, { type: "null" }] }
        resolution: { anyOf: [{ $ref: "#/components/schemas/Resolution" }, { type: "null" }] }
        num_inference_steps: { anyOf: [{ $ref: "#/components/schemas/NumInferenceSteps" }, { type: "null" }] }
        true_cfg_scale: { anyOf: [{ $ref: "#/components/schemas/TrueCFGScale" }, { type: "null" }] }
        seed: { anyOf: [{ $ref: "#/components/schemas/Seed" }, { type: "null" }] }
        n: { anyOf: [{ $ref: "#/components/schemas/NumImagesPerPrompt" }, { type: "null" }] }
        num_images_per_prompt: { anyOf: [{ $ref: "#/components/schemas/NumImagesPerPrompt" }, { type: "null" }] }
        cfg_normalize: { anyOf: [{ $ref: "#/components/schemas/CFGNormalize" }, { type: "null" }] }
        use_en_prompt: { anyOf: [{ $ref: "#/components/schemas/UseEnPrompt" }, { type: "null" }] }
        max_sequence_length: { anyOf: [{ $ref: "#/components/schemas/MaxSequenceLength" }, { type: "null" }] }
        first_block_cache: { anyOf: [{ $ref: "#/components/schemas/FirstBlockCache" }, { type: "null" }] }
        model: { description: The served model's id; may be left out., type: [string, "null"] }
        size: { description: "`auto`, or a square such as `1024x1024`, another way to say `resolution`.", type: [string, "null"] }
        response_format: { enum: [b64_json, null] }
        output_format: { enum: [png, null] }
        background: { enum: [auto, transparent, null] }
        user: { description: Not used., type: [string, "null"], maxLength: 512 }
        quality: { anyOf: [{ description: Not used., type: string, enum: [auto, standard, low, medium, high, hd] }, { type: "null" }] }
        input_fidelity: { anyOf: [{ description: Not used., type: string, enum: [high, low] }, { type: "null" }] }
        moderation: { anyOf: [{ description: Not used., type: string, enum: [auto, low] }, { type: "null" }] }
        output_compression: { anyOf: [{ description: Not used., type: integer, minimum: 0, maximum: 100 }, { type: "null" }] }
        stream: { anyOf: [{ description: The answer comes as a whole., type: boolean, const: false }, { type: "null" }] }
        partial_images: { anyOf: [{ description: The answer comes as a whole., type: integer, const: 0 }, { type: "null" }] }
        steps: { anyOf: [{ $ref: "#/components/schemas/NumInferenceSteps" }, { type: "null" }] }
        caption_language: { anyOf: [{ $ref: "#/components/schemas/CaptionLanguage" }, { type: "null" }] }
        images: { anyOf: [{ $ref: "#/components/schemas/NumImagesPerPrompt" }, { type: "null" }] }
        generator: { anyOf: [{ $ref: "#/components/schemas/Generator" }, { type: "null" }] }
        dtype: { anyOf: [{ $ref: "#/components/schemas/DType" }, { type: "null" }] }
        priority: { anyOf: [{ $ref: "#/components/schemas/Priority" }, { type: "null" }] }
        deadline_seconds: { anyOf: [{ $ref: "#/components/schemas/DeadlineSeconds" }, { type: "null" }] }
    ImageEditResult:
      type: object
      required: [created, data, layers, seed]
      properties:
        created: { type: integer }
        layers: { description: Layers of each image., type: integer, minimum: 1 }
        seed: { $ref: "#/components/schemas/Seed" }
        output_format: { type: string, const: png }
        size: { description: "Width and height of every layer, such as `640x480`.", type: string }
        data:
          type: array
          items:
            type: object
            required: [b64_json]
            properties:
              b64_json: { type: string, contentEncoding: base64, contentMediaType: image/png }
              revised_prompt: { description: "The caption that the model wrote, if it did.", type: string }
    JobId: { type: string, pattern: "^[A-Za-z0-9_-]{22}$" }
    JobState: { type: string, enum: [queued, running, succeeded, failed, cancelled, expired] }
    Priority:
      description: Jobs of a higher one go first, as far as the key allows it.
      type: string
      enum: [high, normal, low]
    DeadlineSeconds:
      description: Seconds from now after which the job fails if it has not ended.
      type: number
      minimum: 0.001
      maximum: 604800
    Job:
      type: object
      required: [id, state, priority, created_at, attempts, cancelling, parameters, links]
      properties:
        id: { $ref: "#/components/schemas/JobId" }
        state: { $ref: "#/components/schemas/JobState" }
        priority: { $ref: "#/components/schemas/Priority" }
        created_at: { type: string, format: date-time }
        started_at: { type: string, format: date-time }
        ended_at: { type: string, format: date-time }
        deadline: { type: string, format: date-time }
        expires_at: { description: When an ended job's result goes., type: string, format: date-time }
        attempts: { description: "How often it was started; 2 after a crash of the service.", type: integer, minimum: 0 }
        cancelling: { description: It was asked to stop and has not yet., type: boolean }
        position: { description: "Place in the line while it waits, 0 for the next.", type: integer, minimum: 0 }
        estimated_start_seconds: { type: number, minimum: 0 }
        progress: { $ref: "#/components/schemas/JobProgress" }
        timings:
          type: object
          properties:
            queued_seconds: { description: "Until it started, or up to now.", type: number, minimum: 0 }
            running_seconds: { description: "From its last start to its end, or up to now.", type: number, minimum: 0 }
        failure: { $ref: "#/components/schemas/Problem" }
        parameters:
          description: As they will be used, without the prompts.
          $ref: "#/components/schemas/Parameters"
        files:
          description: What the result is made of, once there is one.
          type: array
          items:
            type: object
            required: [name, media_type, bytes]
            properties:
              name: { type: string }
              media_type: { type: string }
              bytes: { type: integer, minimum: 0 }
        links:
          description: Addresses relative to the service's root; those of results only once there is one.
          type: object
          required: [self, events]
          properties:
            self: { type: string }
            events: { type: string }
            result: { type: string }
            manifest: { type: string }
            psd: { type: string }
            zip: { type: string }
            layers: { type: array, items: { type: string } }
    JobList:
      type: object
      required: [jobs]
      properties:
        jobs: { type: array, items: { $ref: "#/components/schemas/Job" } }
        next_cursor: { description: Missing on the last page., type: string }
    JobWaiting:
      type: object
      required: [position]
      properties:
        position: { type: integer, minimum: 0 }
        estimated_start_seconds: { type: number, minimum: 0 }
    JobProgress:
      type: object
      required: [stage, step, total, fraction]
      properties:
        stage:
          type: string
          enum: [decode_picture, caption, encode_prompt, encode_image, modulation, denoise, decode, write]
        step: { description: Steps of the stage that are done., type: integer, minimum: 0 }
        total: { description: Steps of the stage in all., type: integer, minimum: 0 }
        fraction: { description: Share of the whole job that is done., type: number, minimum: 0, maximum: 1 }
    JobPreview:
      type: object
      required: [image]
      properties:
        image:
          description: |
            The layers' blend as the model foresees it by now, a `data:image/png;base64,` URL: a pixel for eight by
            eight of the result, its colours an estimate.
          type: string
    ResultForm:
      type: object
      required: [result, layer_1]
      properties:
        result: { $ref: "#/components/schemas/Result" }
        layer_1: { type: string, contentMediaType: image/png }
        psd: { type: string, contentMediaType: image/vnd.adobe.photoshop }
    Prompt:
      description: What the picture shows, at most 65536 bytes of UTF-8. Empty has the model write a caption, if it can.
      type: string
      maxLength: 65536
    NegativePrompt:
      description: What to steer away from, at most 65536 bytes of UTF-8; without effect unless `true_cfg_scale` is above 1.
      type: string
      maxLength: 65536
    TrueCFGScale:
      description: Guidance scale; up to 1 there is no guidance, and a step costs half.
      type: number
      minimum: 0
      maximum: 100
    Layers: { description: Number of layers., type: integer, minimum: 1, maximum: 16 }
    LayersWanted:
      description: |
        Number of layers, or `auto`: the picture is split into `max_layers`, empty ones are left out and doubled ones
        merged, and the answer has as many as the picture has.
      oneOf:
        - { type: integer, minimum: 1, maximum: 16 }
        - { type: string, const: auto }
    MaxLayers: { description: "The most layers with `layers=auto`.", type: integer, minimum: 1, maximum: 16 }
    Fit:
      description: |
        `original`: layers of the picture's own size with edges on the picture's edges, which put together are the
        picture. `model`: layers of the model's size.
      type: string
      enum: [original, model]
      default: original
    CleanUp:
      description: |
        Alpha below `empty_below` becomes 0 and above `opaque_above` 255, colours under alpha 0 become 0, and specks
        go to the layer below. With a model of flat drawings, such as the built-in one, regions of one colour also go to
        the layer that most of them is seen in, and what is hidden behind letters and edges is smoothed.
      type: boolean
      default: true
    EmptyBelow: { description: "See `clean_up`.", type: integer, minimum: 0, maximum: 64, default: 6 }
    OpaqueAbove: { description: "See `clean_up`.", type: integer, minimum: 191, maximum: 255, default: 250 }
    SpeckArea:
      description: Pieces that cover less than this many pixels of a layer of 640 x 640, apart from the rest, are specks.
      type: integer
      minimum: 0
      maximum: 10000
      default: 12
    EmptyLayers:
      description: What becomes of layers that hold nothing; with `layers=auto` they are dropped.
      type: string
      enum: [keep, drop]
      default: keep
    NumInferenceSteps: { description: Denoising steps., type: integer, minimum: 1, maximum: 1000 }
    Resolution:
      description: Side in pixels of the square whose area the layers have; the picture's aspect ratio is kept.
      type: integer
      minimum: 64
      maximum: 2048
    CFGNormalize: { description: Rescale the guided prediction to the norm of the conditional one., type: boolean }
    UseEnPrompt: { description: "Write captions in English (true) or Chinese (false).", type: boolean }
    CaptionLanguage: { type: string, enum: [en, zh] }
    NumImagesPerPrompt:
      description: Results for the one picture, each from noise of its own.
      type: integer
      minimum: 1
      maximum: 8
    Seed:
      description: Seed of the noise. One is drawn, and named in the result, if it is left out.
      type: integer
      minimum: 0
      maximum: 18446744073709551615
    Generator:
      description: Which of torch's random number generators the noise equals.
      type: string
      enum: [cpu, cuda]
    DType:
      description: The precision that the noise is drawn in.
      type: string
      enum: [float32, bfloat16]
    MaxSequenceLength: { description: Prompt tokens that are kept., type: integer, minimum: 1, maximum: 1024 }
    FirstBlockCache:
      description: |
        Spares all blocks of the transformer but the first where that one adds nearly what it added at an earlier step, as diffusers'
        `FirstBlockCacheConfig` does: the threshold, how much may change. 0.05 to 0.2 are usual; layers change a little. Without it
        every step computes all blocks.
      type: number
      minimum: 0
      maximum: 1
    Parameters:
      description: Every parameter, named as in the request.
      type: object
      properties:
        prompt: { $ref: "#/components/schemas/Prompt" }
        negative_prompt: { $ref: "#/components/schemas/NegativePrompt" }
        true_cfg_scale: { $ref: "#/components/schemas/TrueCFGScale" }
        layers: { $ref: "#/components/schemas/Layers" }
        num_inference_steps: { $ref: "#/components/schemas/NumInferenceSteps" }
        resolution: { $ref: "#/components/schemas/Resolution" }
        cfg_normalize: { $ref: "#/components/schemas/CFGNormalize" }
        use_en_prompt: { $ref: "#/components/schemas/UseEnPrompt" }
        num_images_per_prompt: { $ref: "#/components/schemas/NumImagesPerPrompt" }
        seed: { $ref: "#/components/schemas/Seed" }
        generator: { $ref: "#/components/schemas/Generator" }
        dtype: { $ref: "#/components/schemas/DType" }
        max_sequence_length: { $ref: "#/components/schemas/MaxSequenceLength" }
        first_block_cache: { $ref: "#/components/schemas/FirstBlockCache" }
    BlendMode:
      description: How a layer's colours meet those below (W3C Compositing and Blending); missing for `normal`.
      type: string
      enum: [normal, multiply, screen, overlay, darken, lighten, color-dodge, color-burn, hard-light, soft-light, difference,
             exclusion, linear-dodge, linear-burn, hue, saturation, color, luminosity]
    Group:
      description: A group of layers. It stands where its layers do.
      type: object
      required: [id]
      properties:
        id: { description: What layers and groups in it name., type: integer }
        name: { type: string }
        group: { description: The `id` of the group around it., type: integer }
        opacity: { description: Missing for 1., type: number, minimum: 0, maximum: 1 }
        visible: { description: Missing for true., type: boolean }
        blend_mode:
          description: A blend mode, or `pass-through`; missing for `normal`.
          type: string
    LayerManifest:
      description: |
        Which file is which layer, where, and how it is put over those below. The description of a result is one too; other
        members are passed over.
      type: object
      required: [layers]
      properties:
        width:
          description: The canvas, with `height`; as large as the bottom layer if both are missing.
          type: integer
          minimum: 1
        height: { type: integer, minimum: 1 }
        groups:
          type: array
          items: { $ref: "#/components/schemas/Group" }
        layers:
          description: Bottom first.
          type: array
          minItems: 1
          items:
            type: object
            required: [file]
            properties:
              file: { description: "A PNG, WebP or JPEG beside the manifest.", type: string }
              name: { type: string }
              x: { description: Canvas column of the first pixel., type: integer, default: 0 }
              y: { description: Canvas row of the first pixel., type: integer, default: 0 }
              opacity: { type: number, minimum: 0, maximum: 1, default: 1 }
              visible: { type: boolean, default: true }
              blend_mode: { $ref: "#/components/schemas/BlendMode" }
              clipped: { type: boolean, default: false }
              group: { description: The `id` of the group it is in., type: integer }
              image: { description: Which of several pictures it belongs to., type: integer, default: 1 }
    RecomposeForm:
      description: Either `file`, or `manifest` and the pictures that it names, by their file names.
      type: object
      properties:
        file: { description: "A PSD, PSB, OpenRaster file or ZIP with `manifest.json`.", type: string, format: binary }
        manifest: { $ref: "#/components/schemas/LayerManifest" }
      additionalProperties: { type: string, format: binary }
    Result:
      type: object
      required: [model, width, height, seed, fit, parameters, seconds, layers, psd]
      properties:
        model: { type: string }
        loras:
          description: What was applied to the transformer; missing without any.
          type: array
          items: { $ref: "#/components/schemas/AppliedLoRA" }
        width: { description: Of every layer., type: integer, minimum: 1 }
        height: { type: integer, minimum: 1 }
        seed: { $ref: "#/components/schemas/Seed" }
        fit: { $ref: "#/components/schemas/Fit" }
        caption: { description: "What the model wrote about the picture, if it did.", type: string }
        parameters:
          description: Every parameter as it was used.
          $ref: "#/components/schemas/Parameters"
        seconds:
          description: Wall time by stage.
          type: object
          additionalProperties: { type: number, minimum: 0 }
        groups:
          description: The groups that layers are in; missing without any.
          type: array
          items: { $ref: "#/components/schemas/Group" }
        reused_passes:
          description: |
            Passes through the transformer, one a step and guidance branch, of which `first_block_cache` has spared all blocks but the
            first; missing without it.
          type: integer
          minimum: 0
        memory:
          description: Where weights lived, and what was held and moved.
          type: object
          required: [plan, peak_bytes, read_bytes, moved_bytes, transferred_bytes]
          properties:
            plan: { description: "As the option `offload` has it, or `map(...)`.", type: string }
            peak_bytes: { description: The most that a device held at once., type: integer, minimum: 0 }
            read_bytes: { description: Weights asked of the model's files., type: integer, minimum: 0 }
            moved_bytes: { description: Weights copied to a device., type: integer, minimum: 0 }
            transferred_bytes: { description: Activations passed between devices., type: integer, minimum: 0 }
        layers:
          type: array
          items:
            type: object
            required: [image, index, name, part, file]
            properties:
              image: { description: 1 for the first result., type: integer, minimum: 1 }
              index: { description: 1 for the bottom layer., type: integer, minimum: 1 }
              name:
                description: |
                  `background` (`base` in a group), then what the caption calls the layer if it says where it is, or its number and
                  place, as `layer 4, center` and, in the group that this was split into, `layer 4.2, left`; no two alike.
                type: string
              groups:
                description: Names of the groups around it, outermost first; missing without any.
                type: array
                items: { type: string }
              group: { description: The `id` of the innermost group around it., type: integer, minimum: 1 }
              x: { description: Canvas column of the file's first pixel; missing for 0., type: integer }
              y: { description: Canvas row of the file's first pixel; missing for 0., type: integer }
              opacity: { description: Missing for 1., type: number, minimum: 0, maximum: 1 }
              visible: { description: Missing for true., type: boolean }
              blend_mode: { $ref: "#/components/schemas/BlendMode" }
              clipped: { description: Whether it shows only where the layer below does., type: boolean }
              part: { description: The name of the multipart part., type: string }
              file: { description: The name in the ZIP., type: string }
              box:
                description: Around all pixels that are not fully transparent; missing for an empty layer.
                type: object
                required: [x, y, width, height]
                properties:
                  x: { type: integer, minimum: 0 }
                  y: { type: integer, minimum: 0 }
                  width: { type: integer, minimum: 1 }
                  height: { type: integer, minimum: 1 }
              png:
                description: The layer itself; only if the result was asked for as `application/json`.
                type: string
                contentEncoding: base64
                contentMediaType: image/png
        psd:
          description: "A PSD for each result; empty in a ZIP's `manifest.json`, which has none beside it."
          type: array
          items:
            type: object
            required: [image, part, file]
            properties:
              image: { type: integer, minimum: 1 }
              part: { type: string }
              file: { type: string }

"""#
}
