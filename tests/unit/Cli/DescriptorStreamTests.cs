// SPDX-License-Identifier: Apache-2.0
using System.IO.Pipes;
using NUnit.Framework;
using UsbHostd.Cli;

namespace UsbHostd.Tests.Cli;

[TestFixture]
internal sealed class DescriptorStreamTests
{
    private const int BrokenPipe = 32;

    [Test]
    public void Write_TwoWritersOfOneFile_DoNotOverwriteEachOther()
    {
        var path = Path.GetTempFileName();
        try
        {
            using (var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write))
            {
                var descriptor = (int)file.DangerousGetHandle();
                new DescriptorStream(descriptor).Write("one "u8);
                new DescriptorStream(descriptor).Write("two"u8);
            }

            Assert.That(File.ReadAllText(path), Is.EqualTo("one two"));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Test]
    public void Write_ReaderIsGone_SaysSo()
    {
        using var pipe = new AnonymousPipeServerStream(PipeDirection.Out);
        pipe.DisposeLocalCopyOfClientHandle();

        Assert.That(
            () => new DescriptorStream((int)pipe.SafePipeHandle.DangerousGetHandle()).Write("x"u8),
            Throws.TypeOf<IOException>().With.Property(nameof(Exception.HResult)).EqualTo(BrokenPipe));
    }
}
