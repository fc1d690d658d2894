/// Which of torch's random number generators a seed is meant for: the same seed gives different noise on each.
public enum GeneratorKind: String, Sendable, CaseIterable {
    /// `torch.Generator("cpu")`: Mersenne Twister.
    case cpu
    /// `torch.Generator("cuda")`: Philox, with the launch geometry of a given device.
    case cuda
}
