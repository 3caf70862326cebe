// SPDX-License-Identifier: Apache-2.0
namespace UsbHostd.Cli;

/// <summary>How something stands, as a colour says it.</summary>
internal enum Tone
{
    Plain,

    /// <summary>As it is wanted: green.</summary>
    Good,

    /// <summary>Not yet, or not now: yellow.</summary>
    Pending,

    /// <summary>Not without somebody doing something: red.</summary>
    Bad,
}

/// <summary>Colours of a terminal (ECMA-48 SGR), the eight that each has.</summary>
internal static class Colors
{
    public const string Reverse = "\u001b[7m";
    public const string Bold = "\u001b[1m";
    public const string Off = "\u001b[0m";

    public static string Of(Tone tone) => tone switch
    {
        Tone.Good => "\u001b[32m",
        Tone.Pending => "\u001b[33m",
        Tone.Bad => "\u001b[31m",
        _ => "",
    };

    /// <summary>Escaped text in the colour of its tone.</summary>
    public static string Paint(string text, Tone tone) => tone == Tone.Plain ? text : Of(tone) + text + Off;
}
