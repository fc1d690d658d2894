import QwenImage
import Weights

/// Where a job's weights lived and what it moved, as a part of its JSON.
enum MemoryReport {
    /// The plan, and peaks and bytes by stage and step.
    static func object(_ memory: JobMemory) -> [String: Any] {
        [
            "plan": memory.plan,
            "stages": memory.stages.map { use in
                var entry = traffic(use.traffic)
                entry["stage"] = use.name
                entry["peak_bytes"] = Dictionary(uniqueKeysWithValues: use.peaks.map { ("\($0.device)", $0.bytes) })
                return entry
            },
            "steps": memory.steps.map(traffic),
        ]
    }

    /// Bytes read, moved and transferred.
    static func traffic(_ traffic: OffloadTraffic) -> [String: Any] {
        [
            "read_bytes": traffic.readBytes, "moved_bytes": traffic.movedBytes,
            "transferred_bytes": traffic.transferredBytes,
        ]
    }
}
