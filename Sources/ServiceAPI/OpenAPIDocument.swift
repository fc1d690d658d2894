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
    One request, one picture, its layers: `POST /v1/layers` waits until the job is done. One job runs at a time; a few
    may wait, and beyond these the answer is 503 with `Retry-After`. A client that closes its connection cancels its job.

    Errors are `application/problem+json` (RFC 9457); their `type` is stable. Every answer carries `X-Request-Id`, which
    is the request's own if it is 1 to 64 of letters, digits, `.`, `_` and `-`.
servers:
  - url: /
paths:
  /:
    get:
      operationId: getHint
      summary: A curl command to start with
      responses:
        "200":
          description: Plain text.
          content:
            text/plain:
              schema: { type: string }
  /healthz:
    get:
      operationId: getHealth
      summary: Is the service up?
      responses:
        "200":
          description: It is, and this is its model.
          content:
            application/json:
              schema: { $ref: "#/components/schemas/Health" }
  /openapi.yaml:
    get:
      operationId: getDescription
      summary: This document
      responses:
        "200":
          description: OpenAPI 3.1.
          content:
            application/yaml:
              schema: { type: string }
  /v1/layers:
    post:
      operationId: createLayers
      summary: Split a picture into layers
      description: |
        The picture is the form field `image`, or the whole body. PNG, JPEG and WebP are read, known by their bytes.
        Parameters are form fields, or query parameters with either kind of body; each may be given once, under one of
        its names. A parameter that is left out takes the model's default. Unknown parameters are refused.
      parameters:
        - name: format
          in: query
          description: The form of the result; overrides `Accept`.
          schema: { type: string, enum: [multipart, zip, psd, json] }
        - { name: prompt, in: query, schema: { $ref: "#/components/schemas/Prompt" } }
        - { name: negative_prompt, in: query, schema: { $ref: "#/components/schemas/NegativePrompt" } }
        - { name: true_cfg_scale, in: query, schema: { $ref: "#/components/schemas/TrueCFGScale" } }
        - { name: layers, in: query, schema: { $ref: "#/components/schemas/Layers" } }
        - { name: num_inference_steps, in: query, schema: { $ref: "#/components/schemas/NumInferenceSteps" } }
        - name: steps
          in: query
          description: Short for `num_inference_steps`.
          schema: { $ref: "#/components/schemas/NumInferenceSteps" }
        - { name: resolution, in: query, schema: { $ref: "#/components/schemas/Resolution" } }
        - { name: cfg_normalize, in: query, schema: { $ref: "#/components/schemas/CFGNormalize" } }
        - { name: use_en_prompt, in: query, schema: { $ref: "#/components/schemas/UseEnPrompt" } }
        - name: caption_language
          in: query
          description: Another way to say `use_en_prompt`.
          schema: { $ref: "#/components/schemas/CaptionLanguage" }
        - { name: num_images_per_prompt, in: query, schema: { $ref: "#/components/schemas/NumImagesPerPrompt" } }
        - name: images
          in: query
          description: Short for `num_images_per_prompt`.
          schema: { $ref: "#/components/schemas/NumImagesPerPrompt" }
        - { name: seed, in: query, schema: { $ref: "#/components/schemas/Seed" } }
        - { name: generator, in: query, schema: { $ref: "#/components/schemas/Generator" } }
        - { name: dtype, in: query, schema: { $ref: "#/components/schemas/DType" } }
        - { name: max_sequence_length, in: query, schema: { $ref: "#/components/schemas/MaxSequenceLength" } }
      requestBody:
        required: true
        content:
          multipart/form-data:
            schema: { $ref: "#/components/schemas/LayersForm" }
          image/png: {}
          image/jpeg: {}
          image/webp: {}
          application/octet-stream: {}
      responses:
        "200":
          description: |
            The layers, bottom first, all of the same size. As `multipart/form-data`: the part `result` (JSON), then
            `layer_1`, `layer_2`, ... (PNG; with several images `image_1_layer_1`, ...), then `psd` (with several images
            `image_1_psd`, ...). As ZIP: `manifest.json` and the PNGs. As PSD: one image only.
          headers:
            Vary:
              schema: { type: string, const: Accept }
          content:
            multipart/form-data:
              schema:
                type: object
                required: [result, layer_1]
                properties:
                  result: { $ref: "#/components/schemas/Result" }
                  layer_1: { type: string, contentMediaType: image/png }
                  psd: { type: string, contentMediaType: image/vnd.adobe.photoshop }
            application/zip: {}
            image/vnd.adobe.photoshop: {}
            application/json:
              schema: { $ref: "#/components/schemas/Result" }
        "400": { $ref: "#/components/responses/Problem" }
        "406": { $ref: "#/components/responses/Problem" }
        "408": { $ref: "#/components/responses/Problem" }
        "413": { $ref: "#/components/responses/Problem" }
        "415": { $ref: "#/components/responses/Problem" }
        "417": { $ref: "#/components/responses/Problem" }
        "422": { $ref: "#/components/responses/Problem" }
        "500": { $ref: "#/components/responses/Problem" }
        "503":
          description: The waiting line is full, or the job was stopped; try again later.
          headers:
            Retry-After:
              description: Seconds.
              schema: { type: integer, minimum: 1 }
          content:
            application/problem+json:
              schema: { $ref: "#/components/schemas/Problem" }
components:
  responses:
    Problem:
      description: Why the request was refused or failed.
      content:
        application/problem+json:
          schema: { $ref: "#/components/schemas/Problem" }
  schemas:
    Health:
      type: object
      required: [status, model]
      properties:
        status: { type: string, const: ok }
        model: { type: string }
    Problem:
      type: object
      required: [type, title, status, detail]
      properties:
        type: { type: string, pattern: "^urn:mica:problem:[a-z0-9-]+$" }
        title: { type: string }
        status: { type: integer, minimum: 400, maximum: 599 }
        detail: { type: string }
    LayersForm:
      type: object
      required: [image]
      additionalProperties: false
      properties:
        image: { type: string, contentMediaType: application/octet-stream }
        prompt: { $ref: "#/components/schemas/Prompt" }
        negative_prompt: { $ref: "#/components/schemas/NegativePrompt" }
        true_cfg_scale: { $ref: "#/components/schemas/TrueCFGScale" }
        layers: { $ref: "#/components/schemas/Layers" }
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
    Prompt:
      description: What the picture shows. Empty has the model write a caption, if it can.
      type: string
      maxLength: 65536
    NegativePrompt:
      description: What to steer away from; without effect unless `true_cfg_scale` is above 1.
      type: string
      maxLength: 65536
    TrueCFGScale:
      description: Guidance scale; up to 1 there is no guidance, and a step costs half.
      type: number
      minimum: 0
      maximum: 100
    Layers: { description: Number of layers., type: integer, minimum: 1, maximum: 16 }
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
    Result:
      type: object
      required: [model, width, height, seed, parameters, seconds, layers, psd]
      properties:
        model: { type: string }
        width: { description: Of every layer., type: integer, minimum: 1 }
        height: { type: integer, minimum: 1 }
        seed: { $ref: "#/components/schemas/Seed" }
        caption: { description: "What the model wrote about the picture, if it did.", type: string }
        parameters:
          description: Every parameter as it was used, named as in the request.
          type: object
          required:
            - true_cfg_scale
            - layers
            - num_inference_steps
            - resolution
            - cfg_normalize
            - use_en_prompt
            - num_images_per_prompt
            - seed
            - generator
            - dtype
            - max_sequence_length
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
        seconds:
          description: Wall time by stage.
          type: object
          additionalProperties: { type: number, minimum: 0 }
        layers:
          type: array
          items:
            type: object
            required: [image, index, name, part, file]
            properties:
              image: { description: 1 for the first result., type: integer, minimum: 1 }
              index: { description: 1 for the bottom layer., type: integer, minimum: 1 }
              name: { description: As in the PSD., type: string }
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
