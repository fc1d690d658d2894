import Jobs
import Testing

struct JobStateTests {
    /// Every transition that can happen; all others cannot.
    private static let table: [JobState: [JobTransition: JobState]] = [
        .queued: [.start: .running, .fail: .failed, .cancel: .cancelled],
        .running: [.succeed: .succeeded, .fail: .failed, .cancel: .cancelled, .requeue: .queued],
        .succeeded: [.expire: .expired],
        .failed: [.expire: .expired],
        .cancelled: [.expire: .expired],
        .expired: [:],
    ]

    @Test(arguments: JobState.allCases, JobTransition.allCases)
    func transition(_ state: JobState, _ transition: JobTransition) {
        #expect(state.after(transition) == Self.table[state]?[transition])
    }

    @Test(arguments: JobState.allCases)
    func finishedStatesNeverRunAgain(_ state: JobState) {
        var reached: Set<JobState> = [state]
        var open = [state]
        while let next = open.popLast() {
            for transition in JobTransition.allCases {
                guard let after = next.after(transition), reached.insert(after).inserted else { continue }
                open.append(after)
            }
        }
        #expect(reached.contains(.running) == !state.isFinished)
        #expect(reached.contains(.expired))
    }
}
