// SPDX-License-Identifier: Apache-2.0
using System.Threading.Channels;
using UsbHostd.Core.State;
using UsbHostd.Daemon.Errors;
using UsbHostd.Daemon.Store;

namespace UsbHostd.Daemon.Reconcile;

/// <summary>What the loop reads: observations, requests, and its own timers.</summary>
internal abstract record LoopInput
{
    public sealed record Happened(HostEvent Event) : LoopInput;

    public sealed record Asked(LoopRequest Request) : LoopInput;

    /// <summary>Something is to be done with the store that changes no claim: the audit is read, a copy is made.</summary>
    public sealed record StoreWanted(StoreRequest Request) : LoopInput;

    /// <summary>Write down what may wait no longer: memory, and intent that the disk refused before.</summary>
    public sealed record FlushDue : LoopInput;
}

/// <summary>A request that the one writer decides, so that nothing changes between looking and writing.</summary>
internal abstract class LoopRequest
{
    /// <summary>Decides from the state; throws HostException to refuse. What it returns is stored, then folded.</summary>
    public abstract Decided Decide(HostState state, DateTimeOffset now);

    /// <summary>The audit line of a refusal; null where it leaves none.</summary>
    public abstract StoreChange? AuditOf(HostException refused);

    public abstract void Complete(HostState state);

    public abstract void Refuse(Exception why);
}

/// <summary>What a request comes to.</summary>
internal sealed record Decided(IReadOnlyList<StoreChange> Changes, IReadOnlyList<HostEvent> Events)
{
    /// <summary>
    /// What happens where the changes can't be stored, for a request that only takes rights away; the changes then wait for the disk.
    /// Null where the request is refused instead.
    /// </summary>
    public IReadOnlyList<HostEvent>? Unwritten { get; init; }

    /// <summary>A request that gives nothing to anybody: it comes to the same whether or not it can be stored now.</summary>
    public static Decided TakingAway(IReadOnlyList<StoreChange> changes, IReadOnlyList<HostEvent> events) => new(changes, events) { Unwritten = events };
}

/// <summary>A request that is a function.</summary>
internal sealed class LoopRequest<T>(
    Func<HostState, DateTimeOffset, (Decided Decided, T Result)> decide, Func<HostException, StoreChange?>? audit) : LoopRequest
{
    private readonly TaskCompletionSource<(HostState State, T Result)> done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T result = default!;

    public Task<(HostState State, T Result)> Task => done.Task;

    public override Decided Decide(HostState state, DateTimeOffset now)
    {
        (var decided, result) = decide(state, now);
        return decided;
    }

    public override StoreChange? AuditOf(HostException refused) => audit?.Invoke(refused);

    public override void Complete(HostState state) => done.TrySetResult((state, result));

    public override void Refuse(Exception why) => done.TrySetException(why);
}

/// <summary>Work with the store, which the loop alone may use. It must be short.</summary>
internal abstract class StoreRequest
{
    public abstract void Run(IClaimStore store);

    public abstract void Refuse(Exception why);
}

/// <summary>Such work as a function.</summary>
internal sealed class StoreRequest<T>(Func<IClaimStore, T> work) : StoreRequest
{
    private readonly TaskCompletionSource<T> done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<T> Task => done.Task;

    public override void Run(IClaimStore store) => done.TrySetResult(work(store));

    public override void Refuse(Exception why) => done.TrySetException(why);
}

/// <summary>The one way into the loop. Adapters get <see cref="Events"/>: they only enqueue.</summary>
internal sealed class LoopInbox
{
    private readonly Channel<LoopInput> channel = Channel.CreateUnbounded<LoopInput>(new UnboundedChannelOptions { SingleReader = true });

    public LoopInbox() => Events = new EventWriter(channel.Writer);

    public ChannelReader<LoopInput> Reader => channel.Reader;

    public ChannelWriter<LoopInput> Writer => channel.Writer;

    public ChannelWriter<HostEvent> Events { get; }

    private sealed class EventWriter(ChannelWriter<LoopInput> inbox) : ChannelWriter<HostEvent>
    {
        public override bool TryWrite(HostEvent item) => inbox.TryWrite(new LoopInput.Happened(item));

        /// <summary>An adapter that can't go on ends the loop with its error.</summary>
        public override bool TryComplete(Exception? error = null) => inbox.TryComplete(error);

        public override ValueTask<bool> WaitToWriteAsync(CancellationToken cancellationToken = default) =>
            inbox.WaitToWriteAsync(cancellationToken);
    }
}
