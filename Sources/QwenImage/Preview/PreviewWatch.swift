import ImageCodecs

/// Somebody who may want to see a job's composite while it is denoised.
public struct PreviewWatch: Sendable {
    /// Asked before a preview is made: false spares the work.
    public var isWanted: @Sendable () -> Bool
    /// Takes a preview, a pixel a latent cell; called on the pipeline's thread, and counted as the preview's time.
    public var show: @Sendable (PixelBuffer) -> Void
    /// Previews of a job in all, as far as `share` allows.
    public var count = 10
    /// The most of the loop's time that previews may take.
    public var share = 0.02
    /// Seconds of the loop before the first one: what is done by then needs none.
    public var leadSeconds = 0.5

    /// Somebody who wants previews as long as `isWanted` says so.
    public init(
        isWanted: @escaping @Sendable () -> Bool, show: @escaping @Sendable (PixelBuffer) -> Void
    ) {
        self.isWanted = isWanted
        self.show = show
    }
}
