namespace SparseInfer.Text.ChatTemplates;

/// <summary>A function, filter, test or method that Jinja or Python has.</summary>
internal sealed class Builtin : ICallable
{
    private readonly string _kind;
    private readonly string[] _names;
    private readonly int _required;
    private readonly bool _takesAny;
    private readonly Func<BuiltinCall, object?> _body;

    /// <param name="kind">What messages call it: a filter, a test, a method.</param>
    /// <param name="name">Its name.</param>
    /// <param name="parameters">Names of parameters with spaces between; one that may be left out ends in "?"; "*": any arguments, which the body checks.</param>
    /// <param name="body">What it does.</param>
    public Builtin(string kind, string name, string parameters, Func<BuiltinCall, object?> body)
    {
        _kind = kind;
        Name = name;
        _takesAny = parameters == "*";
        string[] given = _takesAny ? [] : parameters.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        _required = given.Count(parameter => !parameter.EndsWith('?'));
        _names = [.. given.Select(parameter => parameter.TrimEnd('?'))];
        _body = body;
    }

    public string Name { get; }

    public object? Call(Rendering rendering, CallArguments arguments) => Call(rendering, null, arguments);

    /// <summary>Calls it.</summary>
    /// <param name="rendering">Whose.</param>
    /// <param name="self">The value that is filtered or tested, or whose method it is.</param>
    /// <param name="arguments">The rest.</param>
    /// <exception cref="TemplateFault">Arguments are missing, too many or of the wrong kind.</exception>
    public object? Call(Rendering rendering, object? self, CallArguments arguments)
    {
        rendering.Budget.Spend();
        rendering.Budget.SpendOn(self);
        foreach (object? argument in arguments.Positional)
        {
            rendering.Budget.SpendOn(argument);
        }

        foreach ((_, object? argument) in arguments.Named)
        {
            rendering.Budget.SpendOn(argument);
        }

        if (_takesAny)
        {
            return _body(new BuiltinCall(this, rendering, self, arguments, []));
        }

        if (arguments.Positional.Count > _names.Length)
        {
            throw Wrong($"takes at most {_names.Length} arguments, not {arguments.Positional.Count}");
        }

        object?[] values = new object?[_names.Length];
        Array.Fill(values, BuiltinCall.Missing);
        arguments.Positional.CopyTo(values);
        foreach ((TemplateText name, object? value) in arguments.Named)
        {
            int place = Array.IndexOf(_names, name.Value);
            if (place < 0)
            {
                throw Wrong($"has no argument '{name}'");
            }

            values[place] = ReferenceEquals(values[place], BuiltinCall.Missing) ? value : throw Wrong($"got its argument '{name}' twice");
        }

        for (int i = 0; i < _required; i++)
        {
            if (ReferenceEquals(values[i], BuiltinCall.Missing))
            {
                throw Wrong($"needs an argument '{_names[i]}'");
            }
        }

        return _body(new BuiltinCall(this, rendering, self, arguments, values));
    }

    /// <summary>An error about a call.</summary>
    public TemplateFault Wrong(string fault) => new($"{_kind} '{Name}' {fault}");

    public string NameOf(int argument) => argument < _names.Length ? _names[argument] : $"{argument + 1}";
}

/// <summary>A call of a <see cref="Builtin"/>.</summary>
/// <param name="Callee">What is called.</param>
/// <param name="Rendering">Whose call.</param>
/// <param name="Self">The value in front.</param>
/// <param name="Arguments">As they were given.</param>
/// <param name="Values">By parameter; <see cref="Missing"/> where none was given.</param>
internal readonly record struct BuiltinCall(Builtin Callee, Rendering Rendering, object? Self, CallArguments Arguments, object?[] Values)
{
    public static readonly object Missing = new();

    public Budget Budget => Rendering.Budget;

    /// <summary>The value in front as a text, whatever it is.</summary>
    public TemplateText SelfText => Printing.Show(Self, Budget);

    public bool Has(int argument) => !ReferenceEquals(Values[argument], Missing);

    /// <summary>A text whose characters are looked at one by one.</summary>
    public TemplateText Walked(TemplateText text)
    {
        Budget.SpendWalk(text.Length);
        return text;
    }

    /// <summary>A text that is read as a number: each digit of a large one counts.</summary>
    public TemplateText Digits(TemplateText text)
    {
        Budget.Spend(Math.Min(text.Length, Budget.MaxBits));
        return Walked(text);
    }

    /// <summary>An argument, or a default.</summary>
    public object? Value(int argument, object? byDefault = null) => Has(argument) ? Values[argument] : byDefault;

    public bool Truth(int argument, bool byDefault = false) => Has(argument) ? ChatTemplates.Values.IsTrue(Values[argument]) : byDefault;

    /// <summary>A text that must be one.</summary>
    public TemplateText Text(int argument) => Values[argument] switch
    {
        TemplateText text => text,
        UndefinedValue undefined => throw undefined.Fault(),
        var other => throw Wrong(argument, other, "a str"),
    };

    /// <summary>A text, or null where it is None or left out.</summary>
    public TemplateText? TextOrNull(int argument) => Value(argument) is null ? null : Text(argument);

    public long Whole(int argument, long byDefault = 0) => Value(argument, byDefault) switch
    {
        long number => number,
        bool truth => truth ? 1 : 0,
        UndefinedValue undefined => throw undefined.Fault(),
        var other => throw Wrong(argument, other, "an int"),
    };

    /// <summary>A count of characters that is worth a text.</summary>
    public int Width(int argument, int byDefault)
    {
        long width = Math.Max(0, Whole(argument, byDefault));
        Budget.SpendText(0, width);
        return (int)width;
    }

    public TemplateFault Wrong(string fault) => Callee.Wrong(fault);

    private TemplateFault Wrong(int argument, object? value, string wanted) =>
        Wrong($"needs {wanted} as its argument '{Callee.NameOf(argument)}', not a {ChatTemplates.Values.TypeOf(value)}");
}
