import TensorCore

/// One way to do a job: where the weights live, and whether the autoencoder works in tiles; and whether it fits.
public struct PlanCandidate: Sendable {
    /// Where the weights live.
    public let plan: OffloadPlan
    /// True if the autoencoder takes its pictures in tiles.
    public let usesTiles: Bool
    /// Where it does not fit, without regard to the budget; nil where it could not be told.
    public private(set) var forecast: JobForecast?
    /// Why it is not taken; nil if it fits.
    public private(set) var refusal: PlanRefusal?

    /// A way that was looked at.
    public init(plan: OffloadPlan, usesTiles: Bool, forecast: JobForecast?, refusal: PlanRefusal?) {
        self.plan = plan
        self.usesTiles = usesTiles
        self.forecast = forecast
        self.refusal = refusal
    }

    /// The most that it holds on a device.
    var deviceBytes: Int { forecast?.peakTensorBytes ?? 0 }

    /// The most that it holds on the host. A device that is the host counts what it is lent of a mapping.
    var hostBytes: Int {
        max(forecast?.hostPeak.bytes ?? 0, refusal?.place == .host ? refusal?.neededBytes ?? 0 : 0)
    }

    /// Adds what becomes of the layers, and refuses what would break the host's limit.
    ///
    /// - Parameters:
    ///   - finish: told from the size of a job's layers; nil if nothing becomes of them.
    ///   - hostLimitBytes: what all of a job may hold on the host; nil for anything.
    ///   - isHost: true if what the devices hold is the host's.
    mutating func add(_ finish: ((JobForecast) -> FinishForecast)?, hostLimitBytes: Int?, isHost: Bool) {
        guard var forecast else { return }
        forecast.finish = finish?(forecast)
        self.forecast = forecast
        guard let hostLimitBytes else { return }
        let peak = forecast.hostPeak
        if let refusal {
            // A device that is the host has no more than the host's limit: that is then what is too small.
            guard isHost, refusal.limitBytes == hostLimitBytes else { return }
            self.refusal = PlanRefusal(
                place: .host, stage: refusal.stage, neededBytes: max(refusal.neededBytes, peak.bytes),
                limitBytes: hostLimitBytes)
        } else if peak.bytes > hostLimitBytes {
            refusal = PlanRefusal(
                place: .host, stage: peak.stage, neededBytes: peak.bytes, limitBytes: hostLimitBytes)
        }
    }
}

/// Why a way to do a job is not taken.
public struct PlanRefusal: Sendable, Hashable, CustomStringConvertible {
    /// Whose memory does not do.
    public enum Place: Sendable, Hashable {
        /// A device's.
        case device
        /// The host's.
        case host
    }

    /// Whose memory does not do.
    public let place: Place
    /// The stage that needs it; nil for finishing the layers.
    public let stage: PipelineStage?
    /// What it needs at most, in bytes.
    public let neededBytes: Int
    /// What there may be; nil if that is not known.
    public let limitBytes: Int?

    /// A refusal of a stage.
    public init(place: Place, stage: PipelineStage?, neededBytes: Int, limitBytes: Int?) {
        self.place = place
        self.stage = stage
        self.neededBytes = neededBytes
        self.limitBytes = limitBytes
    }

    public var description: String {
        let size = place == .host ? ByteCount(roundedUp: neededBytes) : ByteCount(neededBytes)
        return "\(stage?.rawValue ?? "finishing the layers") needs \(size)\(place == .host ? " on the host" : "")"
            + (limitBytes.map { ", more than \(ByteCount($0))" } ?? "")
    }
}
