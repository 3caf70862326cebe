using System.Reflection;
using UsbHostd.Daemon.Service;

namespace UsbHostd.Tests.Reconcile.Sim;

/// <summary>A world's service for a door that is called from outside: after each call the world comes to rest, one call at a time.</summary>
#pragma warning disable CA1852 // DispatchProxy makes a class that derives from it.
internal class SteppedService : DispatchProxy
#pragma warning restore CA1852
{
    private World world = null!;

    public static IHostService Of(World world)
    {
        var service = Create<IHostService, SteppedService>();
        ((SteppedService)(object)service).world = world;
        return service;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        lock (world)
        {
            var answer = targetMethod!.Invoke(world.Service, BindingFlags.DoNotWrapExceptions, null, args, null);
            world.Settle();
            return answer;
        }
    }
}
