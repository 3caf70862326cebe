// SPDX-License-Identifier: Apache-2.0
using Google.Protobuf;

namespace UsbHostd.Tests.Grpc;

/// <summary>A call that is answered by its caller's end only.</summary>
internal static class NoAnswer
{
    /// <summary>Throws OperationCanceledException, and tells so, when the token is cancelled.</summary>
    public static async Task<IMessage> UntilCancelledAsync(TaskCompletionSource cancelled, CancellationToken token)
    {
        try
        {
            await new TaskCompletionSource().Task.WaitAsync(token);
        }
        finally
        {
            cancelled.TrySetResult();
        }

        return new Api.V1.Version();
    }
}
