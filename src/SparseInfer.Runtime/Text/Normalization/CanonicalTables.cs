using System.Globalization;

namespace SparseInfer.Text;

/// <summary>What Unicode says of which characters are made of which; <c>canonical.txt</c> beside this file.</summary>
internal sealed class CanonicalTables
{
    private const string Resource = "SparseInfer.Text.canonical.txt";

    private CanonicalTables()
    {
    }

    /// <summary>The parts of a character; the second is 0 where there is only one. Parts have parts.</summary>
    public Dictionary<int, (int First, int Second)> Decompositions { get; } = [];

    /// <summary>The character that two make.</summary>
    public Dictionary<(int First, int Second), int> Compositions { get; } = [];

    /// <summary>Canonical combining classes, but for 0.</summary>
    public Dictionary<int, byte> Classes { get; } = [];

    /// <summary>Reads the table.</summary>
    public static CanonicalTables Read()
    {
        var tables = new CanonicalTables();
        using Stream stream = typeof(CanonicalTables).Assembly.GetManifestResourceStream(Resource)!;
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            string[] fields = line.Split(' ');
            switch (fields[0])
            {
                case "=" or "-":
                    (int First, int Second) parts = (Parse(fields[2]), fields.Length > 3 ? Parse(fields[3]) : 0);
                    tables.Decompositions.Add(Parse(fields[1]), parts);
                    if (fields[0] == "=")
                    {
                        tables.Compositions.Add(parts, Parse(fields[1]));
                    }

                    break;
                case ":":
                    for (int character = Parse(fields[1]); character <= Parse(fields[2]); character++)
                    {
                        tables.Classes.Add(character, byte.Parse(fields[3], CultureInfo.InvariantCulture));
                    }

                    break;
            }
        }

        return tables;
    }

    private static int Parse(string hexadecimal) => int.Parse(hexadecimal, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
