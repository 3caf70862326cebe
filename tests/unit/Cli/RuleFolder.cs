// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Tests.Cli;

/// <summary>A folder of rules and recorded devices, for as long as a test takes.</summary>
internal sealed class RuleFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("usbhostctl-test-").FullName;

    /// <summary>The path of what was written.</summary>
    public string Write(string name, string text)
    {
        var path = System.IO.Path.Combine(Path, name);
        File.WriteAllText(path, text);
        return path;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
