import Foundation
import Testing

@testable import ModelHub

/// Names, addresses, patterns and folders.
@Suite struct HubNameTests {
    @Test(arguments: [
        ("Qwen/Qwen-Image-Layered", "Qwen/Qwen-Image-Layered"), ("a/b", "a/b"), ("A_1.x/y-2", "A_1.x/y-2"),
        ("https://huggingface.co/Qwen/Qwen-Image-Layered", "Qwen/Qwen-Image-Layered"),
        ("https://huggingface.co/Qwen/Qwen-Image-Layered/tree/main/vae", "Qwen/Qwen-Image-Layered"),
        ("http://127.0.0.1:80/a/b/", "a/b"),
    ])
    func repositories(_ text: String, _ expected: String) throws {
        #expect(try RepositoryName(text).description == expected)
    }

    @Test(arguments: [
        "", "a", "a/", "/a", "a/b/c", "../b", "a/..", "a/.b", "-a/b", "a/b-", "a b/c", "a/b\n", "é/b", "a--b/c",
        "a/b..c",
        "https://huggingface.co", "https://huggingface.co/a", "~/a", "./a", "a/\(String(repeating: "x", count: 97))",
    ])
    func noRepositories(_ text: String) {
        #expect(throws: HubError.self) { try RepositoryName(text) }
    }

    @Test(arguments: [
        ("https://huggingface.co/", "https://huggingface.co"), ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("https://mirror.example/hub", "https://mirror.example/hub"),
    ])
    func endpoints(_ text: String, _ expected: String) throws {
        #expect(try HubAddress(endpoint: text).endpoint == expected)
    }

    @Test(arguments: [
        "", "huggingface.co", "ftp://a", "file:///etc", "https://", "https://u@a", "https://a?b", "https://a#b",
    ])
    func noEndpoints(_ text: String) {
        #expect(throws: HubError.self) { try HubAddress(endpoint: text) }
    }

    @Test(arguments: ["", "a b", "a\r\nX: y", "ä"]) func noTokens(_ token: String) {
        #expect(throws: HubError.self) { try HubAddress(token: token) }
    }

    @Test func addressesAreEscaped() throws {
        #expect(HubAddress.escaped("feature/ü") == "feature%2F%C3%BC")
        let address = try HubAddress()
        #expect(
            address.address(["a/b", "resolve", "c", "some file é?#%.txt"])
                == "https://huggingface.co/a/b/resolve/c/some%20file%20%C3%A9%3F%23%25.txt")
    }

    @Test(arguments: [
        (nil, nil), ("", nil), ("<https://huggingface.co/x>; rel=\"prev\"", nil), ("rel=\"next\"", nil),
        ("<https://huggingface.co/x?a=1>; rel=\"next\"", "https://mirror.example/hub/x?a=1"),
        ("<a>; rel=\"prev\", <https://mirror.example/hub/y>; rel=\"next\"", "https://mirror.example/hub/y"),
    ])
    func nextPages(_ link: String?, _ expected: String?) throws {
        let address = try HubAddress(endpoint: "https://mirror.example/hub")
        #expect(try HubClient.nextPage(link, of: address) == expected)
    }

    @Test(arguments: [
        ("model_index.json", true), ("transformer/diffusion_pytorch_model-00001-of-00005.safetensors", true),
        ("tokenizer/merges.txt", true), ("processor/chat_template.jinja", true), ("README.md", true), ("LICENSE", true),
        (".gitattributes", false), (".cache/x.json", false), ("a/.b/x.json", false), ("model.gguf", false),
        ("pytorch_model.bin", false), ("assets/picture.png", false), ("assets/README.md", false),
    ])
    func whatMicaReads(_ path: String, _ isWanted: Bool) {
        #expect(FileSelection().contains(path) == isWanted)
    }

    /// Our own models come before the cache's, and the cache's main branch before other snapshots.
    @Test func modelsThatAreHere() throws {
        let folder = try Folder()
        let models = LocalModels(environment: ["MICA_MODELS": "\(folder.path)/own", "HF_HOME": "\(folder.path)/hf"])
        let repository = try RepositoryName("some-owner/some-model")
        #expect(models.find(repository) == nil && models.all().isEmpty)
        let cache = "hf/hub/models--some-owner--some-model"
        for name in ["snapshots/1", "snapshots/2", "refs"] { try folder.make("\(cache)/\(name)") }
        for name in ["1", "2"] { try folder.write("\(cache)/snapshots/\(name)/model_index.json", []) }
        try folder.write("\(cache)/refs/main", Array("1".utf8))
        #expect(models.find(repository)?.folder == "\(folder.path)/\(cache)/snapshots/1")
        #expect(models.all().map(\.repository) == [repository] && models.find(repository)?.keeper == .huggingfaceHub)
        try folder.make("own/some-owner/some-model")
        try folder.write("own/some-owner/some-model/model_index.json", [])
        #expect(
            models.find(repository)
                == .init(
                    repository: repository, folder: models.place(repository), isComplete: true, keeper: .mica))
        try PullFolder(path: models.place(repository)).write(
            PullRecord(repository: repository.description, endpoint: "", commit: "", isComplete: false, files: [:]))
        #expect(models.find(repository)?.isComplete == false && models.all().count == 1)
    }

    @Test(arguments: [
        (["HOME": "/h"], "/h/.local/share/mica/models", "/h/.cache/huggingface/hub"),
        (["HOME": "/h", "XDG_DATA_HOME": "/d", "XDG_CACHE_HOME": "/c"], "/d/mica/models", "/c/huggingface/hub"),
        (["HF_HUB_CACHE": "/hub", "HF_HOME": "/hf", "MICA_MODELS": "/m"], "/m", "/hub"),
        (["HOME": "/h/", "HF_HOME": "~/hf", "MICA_MODELS": "~"], "/h", "/h/hf/hub"),
        (["HOME": "/h", "HF_HUB_CACHE": "~/hub", "XDG_DATA_HOME": "~/d"], "/h/d/mica/models", "/h/hub"),
    ])
    func whereModelsAre(_ environment: [String: String], _ own: String, _ cache: String) {
        let models = LocalModels(environment: environment)
        #expect(models.ownFolder == own && models.hubCache == cache)
    }

    @Test(arguments: [
        ("~", "/h"), ("~/", "/h/"), ("~/a/~", "/h/a/~"), ("/~", "/~"), ("a/~/b", "a/~/b"), ("~b/c", "~b/c"), ("", ""),
        ("a~", "a~"),
    ])
    func homes(_ path: String, _ expected: String) {
        #expect(HomePath.expanded(path, environment: ["HOME": "/h"]) == expected)
        #expect(HomePath.expanded(path, environment: [:]) == path)
    }
}

extension Folder {
    func make(_ name: String) throws {
        try FileManager.default.createDirectory(atPath: "\(path)/\(name)", withIntermediateDirectories: true)
    }
}
