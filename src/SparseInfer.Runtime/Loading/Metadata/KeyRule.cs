namespace SparseInfer.Loading;

/// <summary>What becomes of a key: it states a fact, or only some of its values can be computed, or it changes no result.</summary>
internal sealed class KeyRule
{
    private KeyRule()
    {
    }

    /// <summary>Changes no result.</summary>
    public static KeyRule Harmless { get; } = new() { Passes = (_, _) => true };

    /// <summary>A switch that is read elsewhere.</summary>
    public static KeyRule AnyFlag { get; } = new() { Refusal = ", but must be true or false", Passes = (_, value) => value.Flag is not null };

    /// <summary>Switches, as many as layers, that are read elsewhere.</summary>
    public static KeyRule Flags { get; } = new()
    {
        Refusal = ", but must be a 1 or a 0 for each layer",
        Passes = (facts, value) => value.Numbers is { } numbers && numbers.All(number => number is 0 or 1) && numbers.Count >= facts.First(Loading.Fact.Layers),
    };

    /// <summary>A number of layers that is read elsewhere.</summary>
    public static KeyRule Size { get; } = new() { Refusal = ", but must be a number of layers", Passes = (_, value) => value.Number is >= 0 and <= int.MaxValue };

    /// <summary>A name that is read elsewhere.</summary>
    public static KeyRule AnyName { get; } = new() { Refusal = ", but must be a name", Passes = (_, value) => value.Text is not null };

    /// <summary>The fact that the key states; null: none.</summary>
    public Fact? Fact { get; private init; }

    /// <summary>Whether the key states it in a file; where not, the key changes nothing.</summary>
    public Func<ModelFacts, bool> Applies { get; private init; } = _ => true;

    /// <summary>The number of a trait that the key states; null: none.</summary>
    public TraitFact? Trait { get; private init; }

    /// <summary>What a value makes of that number. Asked when all facts are known.</summary>
    public Func<ModelFacts, double, double>? Meaning { get; private init; }

    /// <summary>Whether a value leaves the result as a declaration has it. Asked when all facts are known.</summary>
    public Func<ModelFacts, MetadataValue, bool>? Passes { get; private init; }

    /// <summary>What is said after a key and another value.</summary>
    public string Refusal { get; private init; } = "";

    /// <summary>Whether the value must be a number, to be readable at all.</summary>
    public bool WantsNumber { get; private init; }

    public static KeyRule States(Fact fact) => new() { Fact = fact, WantsNumber = true };

    /// <summary>A fact that the key states in some files only.</summary>
    public static KeyRule StatesWhere(Func<ModelFacts, bool> applies, Fact fact) => new() { Fact = fact, WantsNumber = true, Applies = applies };

    /// <summary>A number of a trait, as it is.</summary>
    public static KeyRule States(TraitFact trait) => States(trait, (_, value) => value);

    /// <summary>A number of a trait.</summary>
    /// <param name="trait">Which.</param>
    /// <param name="meaning">What the key's value makes of it.</param>
    public static KeyRule States(TraitFact trait, Func<ModelFacts, double, double> meaning) => new() { Trait = trait, Meaning = meaning, WantsNumber = true };

    /// <summary>A number that only in some values leaves the result alone.</summary>
    public static KeyRule Number(string meaning, Func<ModelFacts, double, bool> passes) => new()
    {
        Refusal = Undeclarable(meaning),
        WantsNumber = true,
        Passes = (facts, value) => value.Number is { } number && passes(facts, number),
    };

    /// <summary>A number that switches something on unless it is 0.</summary>
    public static KeyRule Zero(string meaning) => Number(meaning, (_, number) => number == 0);

    /// <summary>A factor that does nothing if it is 1.</summary>
    public static KeyRule One(string meaning) => Number(meaning, (_, number) => Near(number, 1));

    /// <summary>A switch.</summary>
    public static KeyRule Flag(string meaning, bool passes) => new()
    {
        Refusal = Undeclarable(meaning),
        Passes = (_, value) => value.Flag == passes,
    };

    /// <summary>A word, or several.</summary>
    public static KeyRule Words(string refusal, params string[] words) => new()
    {
        Refusal = refusal,
        Passes = (_, value) => value.Texts is { } texts && texts.All(text => words.Contains(text, StringComparer.OrdinalIgnoreCase)),
    };

    /// <summary>Numbers that may be one or as many as layers.</summary>
    public static KeyRule Every(string meaning, Predicate<double> passes) => new()
    {
        Refusal = Undeclarable(meaning),
        Passes = (_, value) => value.Numbers is { } numbers && numbers.All(number => passes(number)),
    };

    /// <summary>A switch that must agree with whether a tensor is there.</summary>
    public static KeyRule Tensor(string name) => new()
    {
        Refusal = $", but whether there is a tensor '{name}' says otherwise",
        Passes = (facts, value) => value.Flag is { } flag && flag == facts.File.TryGetTensor(facts.NameOf(name), out _),
    };

    private static string Undeclarable(string meaning) => $": {meaning}, which cannot be declared";

    /// <summary>Equal but for the rounding of a file's decimals and single precision.</summary>
    public static bool Near(double a, double b) => Math.Abs(a - b) <= 1e-5 * Math.Abs(b);
}
