import ArgumentParser
import Foundation
import ModelHub
import QwenImage
import ServiceAPI

/// The options of `mica serve` that are often set; all others are set in the file or the environment.
struct ServeOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Read options from this file; config/mica.yaml explains them.", valueName: "file"))
    var config: String?

    @Option(help: "The name or address to listen on; 0.0.0.0 for every network.")
    var host: String?

    @Option(help: "The port; 0 picks a free one.")
    var port: String?

    @Option(help: ArgumentHelp("Listen on this Unix socket instead.", valueName: "path"))
    var unixSocket: String?

    @Option(help: ArgumentHelp("Serve HTTPS with this certificate, in PEM.", valueName: "file"))
    var tlsCertificate: String?

    @Option(help: ArgumentHelp("The certificate's key, in PEM.", valueName: "file"))
    var tlsKey: String?

    @Option(help: ModelLocation.optionHelp)
    var model: String?

    @OptionGroup var components: ComponentOptions

    @Option(
        help: ArgumentHelp(
            "A LoRA for the transformer and its weight, 1 if none is given; may be given several times.",
            valueName: "file[:weight]"))
    var lora: [String] = []

    @Option(help: "Threads that compute; if not given, as many as there are processors for this process.")
    var threads: String?

    @Option(help: ComponentPrecisions.optionHelp)
    var precision: String?

    @Option(help: "What products are computed in: float32, bfloat16 or int8.")
    var compute: String?

    @OptionGroup var rotation: RotationOptions

    @OptionGroup var placement: OffloadOptions

    @Option(help: "The autoencoder in tiles, which need less memory and blend their seams: auto, on or off.")
    var vaeTiling: String?

    @Option(help: ArgumentHelp("Keep jobs and their results in this folder; 'none' keeps none.", valueName: "folder"))
    var stateFolder: String?

    @Option(help: ArgumentHelp("Ask for a key of this file; `mica key` makes keys.", valueName: "file"))
    var apiKeys: String?

    @Option(help: ArgumentHelp("Let web pages of these origins in, between commas.", valueName: "origins"))
    var corsOrigins: String?

    @Option(help: "trace, debug, info, notice, warning, error or critical; a line a request is info.")
    var logLevel: String?

    @Option(help: "text or json.")
    var logFormat: String?

    @Option(help: "Jobs that wait while one runs; beyond them the answer is 503.")
    var queueLength: String?

    /// File and environment, and the command line over them.
    func settings() throws(SettingsError) -> ServiceSettings {
        var settings = try Configuration.settings(file: config, environment: ProcessInfo.processInfo.environment)
        let given: [(ServiceSettings.Key, String?)] = [
            (.host, host), (.port, port), (.unixSocket, unixSocket), (.tlsCertificate, tlsCertificate),
            (.tlsKey, tlsKey), (.model, model),
            (.loras, lora.isEmpty ? nil : lora.map { $0 + "\n" }.joined()), (.threads, threads),
            (.transformer, components.transformer), (.textEncoder, components.textEncoder), (.vae, components.vae),
            (.precision, precision), (.compute, compute), (.hadamard, rotation.hadamard.map { "\($0)" }),
            (.offload, placement.offload), (.device, placement.device), (.deviceMap, placement.deviceMap),
            (.budget, placement.budget), (.hostBudget, placement.hostBudget), (.vaeTiling, vaeTiling),
            (.stateFolder, stateFolder), (.apiKeys, apiKeys), (.corsOrigins, corsOrigins), (.logLevel, logLevel),
            (.logFormat, logFormat), (.queueLength, queueLength),
        ]
        for (key, text) in given {
            guard let text else { continue }
            try settings.set(key, to: text, source: "--\(key.rawValue.replacingOccurrences(of: "_", with: "-"))")
        }
        settings.changePaths { HomePath.expanded($0) }
        try settings.validate()
        return settings
    }
}
