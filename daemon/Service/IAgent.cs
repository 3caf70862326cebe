// SPDX-License-Identifier: Apache-2.0
using UsbHostd.Api.V1;

namespace UsbHostd.Daemon.Service;

/// <summary>Somebody's program that puts questions to a person. It is not trusted: whatever it answers is held against what it was asked.</summary>
internal interface IAgent
{
    /// <summary>Whom it speaks for, <c>session 3 of uid 1000</c>: one agent each.</summary>
    string Session { get; }

    /// <summary>Puts one question; cancelled where the answer no longer matters.</summary>
    /// <exception cref="AgentException">It can't be asked, is gone, or what it says is no answer.</exception>
    Task<AgentAnswer> AskAsync(AgentQuestion question, CancellationToken cancellationToken);

    /// <summary>Takes a question back that it was asked; nobody waits for what it makes of that.</summary>
    /// <param name="reason">For a person.</param>
    Task CancelAsync(string device, string reason);
}

/// <param name="Device">As every door shows it; its strings are the device's own.</param>
/// <param name="Guests">Those that the rule and the caller's rights leave to choose from; never empty.</param>
/// <param name="Patience">How long an answer is waited for.</param>
internal sealed record AgentQuestion(Device Device, IReadOnlyList<GuestRef> Guests, TimeSpan Patience);

/// <param name="Guest">The UUID of a guest that was offered; empty for no.</param>
internal sealed record AgentAnswer(string Guest, bool Remember);

/// <summary>An agent did not do its part.</summary>
internal sealed class AgentException(string message) : Exception(message);
