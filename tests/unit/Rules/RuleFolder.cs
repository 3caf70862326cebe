// SPDX-License-Identifier: Apache-2.0
using System.Text;
using Microsoft.Extensions.Logging;
using UsbHostd.Daemon.Rules;
using UsbHostd.Tests.Grpc;

namespace UsbHostd.Tests.Rules;

/// <summary>Real rule files in a folder of their own: rules.conf and rules.d.</summary>
internal sealed class RuleFolder : IDisposable
{
    private readonly RecordedLog log = new();

    public RuleFolder()
    {
        Root = Directory.CreateTempSubdirectory("usbhostd-rules-").FullName;
        Options = new RulesOptions { File = At("rules.conf"), Folder = Directory.CreateDirectory(At("rules.d")).FullName };
        Loggers = LoggerFactory.Create(builder => builder.AddProvider(log));
        Files = new RuleFiles(Options, Loggers.CreateLogger<RuleFiles>());
    }

    public string Root { get; }

    public RulesOptions Options { get; }

    public ILoggerFactory Loggers { get; }

    public RuleFiles Files { get; }

    public IEnumerable<string> Logged => log.Entries.Select(e => e.Text);

    /// <param name="path">Below the folder, for example <c>rules.d/50-lab.conf</c>.</param>
    public string At(string path) => Path.Combine(Root, path);

    public void Write(string path, string text) => Write(path, Encoding.UTF8.GetBytes(text));

    public void Write(string path, byte[] bytes) => File.WriteAllBytes(At(path), bytes);

    public void Dispose()
    {
        Loggers.Dispose();
        Directory.Delete(Root, recursive: true);
    }
}
