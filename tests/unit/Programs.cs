// SPDX-License-Identifier: Apache-2.0
using NUnit.Framework;
using UsbHostd.Tests.Architecture;
using UsbHostd.Tests.Examples;

namespace UsbHostd.Tests;

/// <summary>
/// The programs that end-to-end tests run: those that USBHOSTD_PROGRAM and USBHOSTCTL_PROGRAM name, as <c>./dev test</c> has them, which are the
/// native ones; else those that were built with the tests.
/// </summary>
internal static class Programs
{
    /// <summary>Where programs built for .NET find it, wherever it is installed; native ones do not look for it.</summary>
    public static (string Name, string Value) Runtime { get; } = ("DOTNET_ROOT", DaemonProcess.DotnetRoot);

    public static string Daemon { get; } = Named("USBHOSTD_PROGRAM") ?? Path.Combine(AppContext.BaseDirectory, "usbhostd");

    public static string Client { get; } = NamedClient ?? Path.Combine(Repository.Built("cli"), "usbhostctl");

    /// <summary>Null where none is named: then a verb is run in the tests' own process, which is the quicker.</summary>
    public static string? NamedClient => Named("USBHOSTCTL_PROGRAM");

    private static string? Named(string variable)
    {
        if (Environment.GetEnvironmentVariable(variable) is not { Length: > 0 } program)
        {
            return null;
        }

        Assert.That(program, Does.Exist, $"{variable} names it");
        return Path.GetFullPath(program);
    }
}
