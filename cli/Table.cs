namespace UsbHostd.Cli;

/// <summary>A table as virsh prints it: a line of headers, a line of dashes, the rows, an empty line.</summary>
/// <param name="shrinking">Indices of the columns that may become narrower, the first to give way first.</param>
internal sealed class Table(string[] headers, params int[] shrinking)
{
    private const string Gap = "   ";

    /// <summary>A column never gets narrower than this many characters, or its header.</summary>
    private const int Narrowest = 8;

    private readonly List<string[]> rows = [];

    /// <summary>Adds a row; the cells are escaped here.</summary>
    public void Add(params string[] cells) => rows.Add(Array.ConvertAll(cells, TerminalText.Escape));

    /// <summary>Adds a row whose cells are escaped already.</summary>
    public void AddEscaped(params string[] cells) => rows.Add(cells);

    /// <param name="width">Columns of the terminal; null where nothing is to be cut.</param>
    public void Write(TextWriter output, int? width)
    {
        var widths = Widths(width);
        WriteRow(output, headers, widths);
        output.WriteLine(new string('-', widths.Sum() + (Gap.Length * (widths.Length - 1)) + 2));
        foreach (var row in rows)
        {
            WriteRow(output, row, widths);
        }

        output.WriteLine();
    }

    private static void WriteRow(TextWriter output, string[] cells, int[] widths)
    {
        var gap = " ";
        for (var i = 0; i < cells.Length; i++)
        {
            var text = TerminalText.Fit(cells[i], widths[i]);
            output.Write(gap);
            output.Write(text);
            gap = i < cells.Length - 1 ? new string(' ', widths[i] - TerminalText.WidthOf(text)) + Gap : "";
        }

        output.WriteLine();
    }

    private int[] Widths(int? available)
    {
        var widths = new int[headers.Length];
        for (var i = 0; i < widths.Length; i++)
        {
            widths[i] = headers[i].Length;
            foreach (var row in rows)
            {
                widths[i] = Math.Max(widths[i], TerminalText.WidthOf(row[i]));
            }
        }

        if (available is not { } width)
        {
            return widths;
        }

        var excess = widths.Sum() + (Gap.Length * (widths.Length - 1)) + 2 - width;
        foreach (var column in shrinking)
        {
            var give = Math.Clamp(excess, 0, Math.Max(0, widths[column] - Math.Max(Narrowest, headers[column].Length)));
            widths[column] -= give;
            excess -= give;
        }

        return widths;
    }
}
