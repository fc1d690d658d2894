// The service in a process of its own, over an instant engine: what is left behind can be counted from outside.
// Takes the folder of the store, prints the port, and ends when its input does.
import Dispatch
import Foundation
import HTTPTransport
import Jobs
import Logging
import ServiceAPI

var configuration = LayerService.Configuration()
configuration.jobs.waitingLimit = 1000
configuration.jobs.clientLimits.waiting = 1000
// Results of synchronous jobs are kept up to a size, which is reached here before anybody counts.
configuration.jobs.transientResultByteLimit = 1 << 15
var transport = TransportConfiguration()
transport.port = 0
let logger = Logger(label: "probe") { _ in SwiftLogNoOpLogHandler() }
let store = try JobStore(folder: CommandLine.arguments[1], notice: { _ in })
let service = try LayerService(
    decomposer: InstantDecomposer(), configuration: configuration, store: store, logger: logger)
let server = try HTTPServer(configuration: transport, handler: service, logger: logger)
service.start()
FileHandle.standardOutput.write(Data("\(server.port)\n".utf8))
while readLine() != nil {}
server.stop(graceSeconds: 1)
let idle = DispatchSemaphore(value: 0)
service.stop(graceSeconds: 0) { idle.signal() }
idle.wait()
