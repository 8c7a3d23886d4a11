namespace SparseInfer.Generators.Declare;

/// <summary>A policy as declarations name it: by an attribute, which says something. What comes of it is no matter of theirs.</summary>
internal abstract class DeclarablePolicy
{
    /// <summary>Full metadata name of the attribute that declares it.</summary>
    public abstract string AttributeName { get; }

    /// <summary>Where what it declares chooses: a layer has one policy a site, and every layer has one for its neurons.</summary>
    public virtual PolicySite Site => PolicySite.Neurons;

    /// <summary>The attribute as a user writes it, without the suffix.</summary>
    public string DisplayName => AttributeNames.Display(AttributeName);

    /// <summary>Whether it acts once in the model: its attribute has no <c>Layers</c>, and covers none.</summary>
    public bool IsOfModel => Site == PolicySite.Vocabulary;

    /// <summary>Properties of the attribute that a profile can give: what says how much is skipped.</summary>
    public virtual IReadOnlyList<string> Strengths => [];

    /// <summary>Whether an attribute that sets no strength is complete: a profile that has nothing of it is then not asked.</summary>
    public virtual bool HasUsualStrength => false;

    /// <summary>Whether it chooses neurons before it knows their gates.</summary>
    public virtual bool LeavesGatesUnread => false;

    /// <summary>The sizes that the attribute declares.</summary>
    public virtual IEnumerable<DeclaredSize> Sizes(DeclaredAttribute attribute) => [];

    /// <summary>Reads what the attribute says; called only on declarations that broke no rule.</summary>
    public abstract PolicySpec Parse(DeclaredAttribute attribute);

    /// <summary>What it says where a declaration has no policy; null where another stands for that.</summary>
    public virtual PolicySpec? DefaultFor(Activation activation) => null;
}
