using System.Numerics;
using System.Runtime.CompilerServices;

namespace SparseInfer.Text.ChatTemplates;

/// <summary>
/// What one rendering may use. A template is a program from whoever made the model file: it must not hang the process, fill its memory or
/// overflow its stack.
/// </summary>
internal sealed class Budget
{
    /// <summary>Steps of one rendering. A long conversation with tools takes some ten thousand.</summary>
    public const int MaxSteps = 5_000_000;

    /// <summary>The longest text, in UTF-16 units.</summary>
    public const int MaxText = 16 << 20;

    /// <summary>How deep expressions, blocks, macro calls and values may nest.</summary>
    public const int MaxDepth = 2000;

    /// <summary>The longest range.</summary>
    public const int MaxRange = 1_000_000;

    /// <summary>The most bits of a whole number.</summary>
    public const int MaxBits = 4096;

    /// <summary>Copying so many characters counts as one step.</summary>
    private const int CopiedInStep = 16;

    /// <summary>Reading so many characters counts as one step.</summary>
    private const int ReadInStep = 64;

    /// <summary>So many bits of a whole number count as one step: printing takes the square of them.</summary>
    private const int BitsInStep = 32;

    /// <summary>Comparing so many characters at as many places counts as one step.</summary>
    private const int ComparedInStep = 2048;

    /// <summary>Walking through so many items counts as one step.</summary>
    private const int ItemsInStep = 16;

    private int _steps;
    private int _depth;

    /// <summary>One step, or several.</summary>
    /// <exception cref="TemplateFault">There were too many.</exception>
    public void Spend(int steps = 1)
    {
        _steps += Math.Min(steps, MaxSteps);
        if (_steps > MaxSteps)
        {
            throw new TemplateFault($"the template takes more than {MaxSteps} steps for this conversation");
        }
    }

    /// <summary>Makes a text longer.</summary>
    /// <exception cref="TemplateFault">It becomes too long.</exception>
    public void SpendText(long length, long more)
    {
        if (length + more > MaxText)
        {
            throw new TemplateFault($"a text becomes longer than {MaxText} characters");
        }

        Spend((int)(more / CopiedInStep));
    }

    /// <summary>Reads a value once: what looks like one step takes as long as the value is large.</summary>
    /// <exception cref="TemplateFault">There were too many steps.</exception>
    public void SpendOn(object? value) => Spend(value switch
    {
        TemplateText text => text.Length / ReadInStep,
        ListValue list => list.Items.Count / ItemsInStep,
        ViewValue view => view.Items.Count / ItemsInStep,
        TupleValue tuple => tuple.Items.Length / ItemsInStep,
        DictValue dict => dict.Items.Count / ItemsInStep,
        BigInteger number => (int)(number.GetBitLength() / BitsInStep),
        _ => 0,
    });

    /// <summary>Looks at the characters of a text one by one.</summary>
    /// <exception cref="TemplateFault">There were too many steps.</exception>
    public void SpendWalk(int length) => Spend(length / CopiedInStep);

    /// <summary>Looks for a part in a text, of which much may be the same at every place.</summary>
    /// <exception cref="TemplateFault">There were too many steps.</exception>
    public void SpendSearch(TemplateText text, TemplateText part) =>
        Spend((int)Math.Min(Math.Max(0L, text.Length - part.Length + 1L) * part.Length / ComparedInStep, MaxSteps));

    /// <summary>Begins another attempt, from the top, with what is left.</summary>
    public void StartAgain() => _depth = 0;

    /// <summary>One level down; <see cref="Leave"/> goes up again.</summary>
    /// <exception cref="TemplateFault">It is too deep.</exception>
    public void Enter()
    {
        Spend();
        if (_depth >= MaxDepth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw new TemplateFault("the template, or a value in it, is nested too deeply");
        }

        _depth++;
    }

    public void Leave() => _depth--;
}
