import TensorCore

extension LayeredPipeline {
    /// Has the encoder, which is loaded just now, show what its latents mean, once for all jobs to come.
    func prepareProjection(within geometry: LatentGeometry) throws {
        guard projection == nil else { return }
        let card = LatentCard(withinWidth: 2 * geometry.tokenWidth, height: 2 * geometry.tokenHeight)
        guard LatentProjection.isDetermined(cells: card.colors.count, channels: geometry.channels) else { return }
        let scale = model.autoencoder.scaleFactor
        let backend = offload.root(of: .vae)
        let picture = try backend.upload(
            card.signedPixels(scale: scale), [card.height * scale, card.width * scale, 4])
        let latent = try autoencoder.encode(picture)
        projection = LatentProjection(
            latent: try backend.download(latent), colors: card.colors, channels: geometry.channels)
    }
}
