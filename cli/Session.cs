// SPDX-License-Identifier: Apache-2.0
using Google.Protobuf;
using UsbHostd.Api;

namespace UsbHostd.Cli;

/// <summary>One command's connection and output.</summary>
internal sealed class Session(UsbHostClient client, CliTerminal terminal, bool json)
{
    public UsbHostClient Client => client;

    public CliTerminal Terminal => terminal;

    public bool IsJson => json;

    /// <summary>Writes one line, whose parts are escaped already.</summary>
    public void Line(string text = "") => terminal.Out.WriteLine(text);

    /// <summary>Writes a line of progress, which is no part of the result.</summary>
    public void Progress(string text) => terminal.Error.WriteLine(text);

    public void Json(IMessage message) => terminal.Out.WriteLine(JsonText.Of(message));

    public void Table(Table table) => table.Write(terminal.Out, terminal.Width, terminal.IsColored);

    /// <summary>Escaped text in the colour of its tone, where there are colours.</summary>
    public string Paint(string text, Tone tone) => terminal.IsColored ? Colors.Paint(text, tone) : text;

    /// <summary>Writes names and values below each other, as virsh's dominfo does; leaves out what has no value.</summary>
    public void Fields(params (string Name, string Value)[] fields)
    {
        foreach (var (name, value) in fields)
        {
            if (value.Length > 0)
            {
                Line($"{name + ":",-18}{TerminalText.Escape(value)}");
            }
        }
    }

    public void Flush() => terminal.Out.Flush();
}
