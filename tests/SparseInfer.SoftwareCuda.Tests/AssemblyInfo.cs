// What devices say of themselves is set for the whole process: one test at a time.
[assembly: CollectionBehavior(CollectionBehavior.CollectionPerAssembly)]
