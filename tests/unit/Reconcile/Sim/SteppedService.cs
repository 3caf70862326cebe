// SPDX-License-Identifier: Apache-2.0
using System.Reflection;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Tests.Reconcile.Sim;

/// <summary>A world's service for a door that is called from outside: after each call the world comes to rest, one call at a time.</summary>
#pragma warning disable CA1852 // DispatchProxy makes a class that derives from it.
internal class SteppedService : DispatchProxy
#pragma warning restore CA1852
{
    private World world = null!;
    private Func<Caller>? caller;

    /// <param name="caller">Who calls, in place of whoever the door says; each call is answered before it returns then.</param>
    public static IHostService Of(World world, Func<Caller>? caller = null)
    {
        var service = Create<IHostService, SteppedService>();
        (((SteppedService)(object)service).world, ((SteppedService)(object)service).caller) = (world, caller);
        return service;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        lock (world)
        {
            if (caller is not null)
            {
                args![0] = caller();
            }

            var answer = targetMethod!.Invoke(world.Service, BindingFlags.DoNotWrapExceptions, null, args, null);
            world.Settle();
            return caller is null || !targetMethod.ReturnType.IsValueType ? answer : Answered(answer!);
        }
    }

    /// <summary>A call may ask the loop several times, and goes on elsewhere in between.</summary>
    private object Answered(object answer)
    {
        var task = (Task)answer.GetType().GetMethod("AsTask")!.Invoke(answer, null)!;
        while (!task.IsCompleted)
        {
            ((IAsyncResult)task).AsyncWaitHandle.WaitOne(1);
            world.Settle();
        }

        return Activator.CreateInstance(answer.GetType(), task)!;
    }
}
