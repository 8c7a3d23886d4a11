using System.Globalization;
using Microsoft.CodeAnalysis;
using SparseInfer.Generators.Text;

namespace SparseInfer.Generators.Declare;

/// <summary>The profile of a class, and what its policies get of it. What is wrong with it is said by the first rule that finds it so.</summary>
internal sealed class DeclaredProfile
{
    /// <param name="attribute">It.</param>
    /// <param name="files">The project's.</param>
    /// <param name="vocabulary">Says what values a policy takes.</param>
    public DeclaredProfile(DeclaredAttribute attribute, ProfileFiles files, Vocabulary vocabulary)
    {
        Attribute = attribute;
        Name = attribute.Text ?? "";
        ProfileFile[] called = [.. files.Files.Where(file => file.IsCalled(Name))];
        FilesCalledSo = called.Length;
        if (called.Length != 1)
        {
            return;
        }

        try
        {
            Profile = SparsityProfile.Read(called[0].Text, vocabulary.StrengthsOf);
        }
        catch (JsonException exception)
        {
            Fault = (exception.Line, exception.Message);
        }
    }

    public DeclaredAttribute Attribute { get; }

    /// <summary>The file as the class names it.</summary>
    public string Name { get; }

    /// <summary>How many files of the project are called so.</summary>
    public int FilesCalledSo { get; }

    /// <summary>Why it cannot be read; null: it can, or there is none.</summary>
    public (int Line, string Message)? Fault { get; }

    /// <summary>What is in it; null: it is not there, or cannot be read.</summary>
    public SparsityProfile? Profile { get; }

    /// <summary>The declared model's shape, where it is another than the profile's.</summary>
    public ProfileShape? OtherShape { get; private set; }

    /// <summary>What a policy's attribute asks for and the profile does not have.</summary>
    public IReadOnlyList<(DeclaredPolicy Policy, string What)> Lacks { get; private set; } = [];

    /// <summary>Whether any policy takes a strength from it.</summary>
    public bool IsUsed { get; private set; }

    /// <summary>Whether what policies get is known. Where it is not, rules about them would say the same again, in other words.</summary>
    public bool IsUsable => Profile is not null && OtherShape is null && Lacks.Count == 0;

    /// <summary>Policies with what the profile gives them: one for each layer, where the attribute sets no strength.</summary>
    public IReadOnlyList<DeclaredPolicy> Complete(Declaration declaration, IReadOnlyList<DeclaredPolicy> written)
    {
        var shape = new ProfileShape(declaration.Hidden, declaration.Layers, declaration.Intermediate, declaration.Activation.ToString());
        if (Profile is not { } profile || shape is not { Hidden: > 0, Layers: > 0, Intermediate: > 0 })
        {
            return written;
        }

        if (shape != profile.Model)
        {
            OtherShape = shape;
            return written;
        }

        var lacks = new List<(DeclaredPolicy, string)>();
        DeclaredPolicy[] complete = [.. written.SelectMany(policy => Complete(policy, profile, lacks))];
        Lacks = lacks;
        return complete;
    }

    private IReadOnlyList<DeclaredPolicy> Complete(DeclaredPolicy written, SparsityProfile profile, List<(DeclaredPolicy, string)> lacks)
    {
        DeclaredAttribute attribute = written.Attribute;
        IReadOnlyList<string> asked = written.Policy.Strengths;
        if (asked.Count == 0 || asked.Any(attribute.IsSet) || !LayerRange.TryParse(attribute.Value<string?>("Layers", null), profile.Model.Layers, out IReadOnlyList<LayerRange> ranges, out _)
            || ranges.Any(range => range.Last >= profile.Model.Layers))
        {
            return [written];
        }

        if (!profile.Policies.TryGetValue(attribute.DisplayName, out var layers))
        {
            if (!written.Policy.HasUsualStrength)
            {
                lacks.Add((written, $"nothing of [{attribute.DisplayName}]"));
            }

            return [written];
        }

        IsUsed = true;
        var complete = new List<DeclaredPolicy>();
        foreach (int layer in ranges.SelectMany(range => Enumerable.Range(range.First, range.Last - range.First + 1)))
        {
            string place = $"of [{attribute.DisplayName}] for layer {layer.ToString(CultureInfo.InvariantCulture)}";
            if (!layers.TryGetValue(layer, out var values))
            {
                lacks.Add((written, $"nothing {place}"));
                continue;
            }

            var given = new Dictionary<string, object> { ["Layers"] = layer.ToString(CultureInfo.InvariantCulture) };
            foreach (string strength in asked.Where(values.ContainsKey))
            {
                if (attribute.Read(strength, values[strength]) is { } value)
                {
                    given.Add(strength, value);
                }
                else
                {
                    lacks.Add((written, $"no {strength} {place} that the attribute could take, but {values[strength]}"));
                }
            }

            if (!asked.Any(values.ContainsKey))
            {
                lacks.Add((written, $"no {string.Join(" or ", asked)} {place}"));
            }

            complete.Add(new(attribute.With(given), written.Policy));
        }

        return complete;
    }
}
