"""How programs and languages spell the columns of a list of products or of stock."""

from app.columns import ProductField

P = ProductField

# The words of each field, the better ones first: where two columns name one field, the earlier
# word wins. Written without case, accents, blanks and punctuation.
WORDS: dict[ProductField, str] = {
    P.NAME: """
        name title productname itemname producttitle itemtitle articlename product item article
        artikelname artikelbezeichnung produktname produktbezeichnung bezeichnung warenname
        artikel produkt ware titel nomduproduit nomproduit nomdelarticle libelle designation
        intitule produit nom titre nombredelproducto nombreproducto nombrearticulo producto
        articulo nombre titulo nomedoproduto nomeproduto produto artigo nome nomeprodotto
        nomearticolo prodotto articolo titolo productnaam artikelnaam naam produktnamn
        artikelnamn vara benamning produktnavn varenavn vare nazwaproduktu nazwatowaru towar
        nazwa tuotenimi tuote nimi urunadi urun nazevproduktu nazevzbozi zbozi nazev nazov
        termeknev termek denumireprodus denumire produs наименование название товар номенклатура
        商品名 品名 商品名称 产品名称 名称 상품명 ονομασια προιον tensanpham
    """,
    P.GROUP: """
        handle urlhandle referencehandle producthandle slug parent parentsku parentid
        masterid mastersku productgroupid vaterartikel elternartikel parentproduct postparent
    """,
    P.KIND: "type producttype taxproducttype",
    P.OPTION_1_NAME: "option1name optionname1 attribute1name attributename1 attribut1name",
    P.OPTION_2_NAME: "option2name optionname2 attribute2name attributename2 attribut2name",
    P.OPTION_3_NAME: "option3name optionname3 attribute3name attributename3 attribut3name",
    P.OPTION_1: """
        option1value optionvalue1 attribute1value attributevalue1 attribute1values option1
        variationname variantname variantoption variation variant option variantvalues
        productvariantvalues variante ausfuhrung variantenname opcion opcao opzione variantti
    """,
    P.OPTION_2: "option2value optionvalue2 attribute2value attributevalue2 option2",
    P.OPTION_3: "option3value optionvalue3 attribute3value attributevalue3 option3",
    P.SKU: """
        sku variantsku itemsku productsku stockkeepingunit internalreference defaultcode
        productcode itemcode articlecode itemnumber itemno articlenumber articleno
        artikelnummer artikelnr artikelno artnr artikelcode bestellnummer bestellnr
        referenceproduit referencearticle codeproduit codearticle reference ref
        codigodeproducto codigoproducto codigoarticulo referencia codigodoproduto
        codigoproduto codigoartigo codicearticolo codiceprodotto riferimento productcodes
        varenummer varenr artikelnumero tuotekoodi tuotenumero indeks kodproduktu kodtowaru
        symbol stokkodu urunkodu kodzbozi katalogovecislo cikkszam codprodus артикул
        partnumber partno mpn plu stockcode materialnumber code codigo codice kod kode koodi
        productid itemid articleid variantid externalid
    """,
    P.BARCODE: """
        barcode variantbarcode ean ean13 ean8 eancode eannumber gtin gtin13 gtin14 upc upca upccode
        isbn gtinupceanorisbn gtinupceanisbn globaltradeitemnumber strichcode barcodenummer
        codebarre codebarres gencod codigodebarras codigobarras codigodebarra codicebarre
        codiceabarre barcodes streepjescode streckkod stregkode strekkode viivakoodi
        kodkreskowy kodean barkod carovykod ciarovykod vonalkod coddebare штрихкод штрихкод
        バーコード 条码 条形码 바코드
    """,
    P.PRICE: """
        price regularprice salesprice sellingprice retailprice variantprice listprice unitprice
        lstprice saleprice normalprice priceinclvat priceincltax pricewithtax grossprice
        storeprice productprice itemprice rrp msrp verkaufspreis vkpreis vkbrutto vk
        bruttopreis einzelpreis endpreis ladenpreis uvp preis prixdevente prixdeventettc
        prixttc prixpublic prixunitaire tarif prix preciodeventa precioventa preciofinal pvp
        precioregular precio precodevenda precovenda preco prezzodivendita prezzodilistino
        prezzoalpubblico prezzo verkoopprijs adviesprijs prijs forsaljningspris utpris
        salgspris udsalgspris pris cenasprzedazy cenabrutto cena myyntihinta hinta
        satisfiyati fiyat prodejnicena eladasiar bruttoar pretdevanzare pret розничнаяцена
        ценапродажи цена 価格 販売価格 售价 价格 판매가 가격 τιμη giaban gia
    """,
    P.COST: """
        cost costprice costperitem unitcost defaultunitcost variantcost purchaseprice buyingprice
        buyprice supplierprice wholesaleprice costofgoods costofgoodssold purchasecost
        standardprice einkaufspreis ekpreis eknetto ek ankaufspreis gestehungspreis
        prixdachat prixachat prixdachatht coutdachat prixderevient cout preciodecosto
        preciodecoste preciocosto preciodecompra costeunitario coste costo precodecusto
        precodecompra custo prezzodiacquisto prezzoacquisto inkoopprijs kostprijs inkopspris
        inpris indkobspris kostpris innkjopspris cenazakupu kosztzakupu koszt ostohinta
        alisfiyati maliyet nakupnicena beszerzesiar pretdeachizitie закупочнаяцена
        себестоимость 原価 仕入価格 成本 进价 원가
    """,
    P.CATEGORY: """
        category categories productcategory productcategories categoryname itemcategory
        maincategory productcategoryname categ categname reportingcategory itemgroup
        productgroup department kategorie kategorien warengruppe produktkategorie
        artikelgruppe hauptkategorie rayon famille categorieduproduit categorie categoria
        categorias categoriadeproducto familia departamento categoriadoproduto
        categoriaprodotto reparto categorieen productcategorie productgroep artikelgroep
        kategori produktkategori varugrupp varegruppe kategoria kategoriaproduktu
        grupatowarowa tuoteryhma kategorije kategoriazbozi категория группа カテゴリ 类别 分类
        카테고리 type producttype
    """,
    P.SUBCATEGORY: """
        subcategory subcategories subcategoryname subdepartment unterkategorie untergruppe
        unterwarengruppe souscategorie sousfamille subcategoria subcategorias subfamilia
        sottocategoria subcategorie underkategori undergrupp podkategoria alakategoria
        altkategori podkategorie подкатегория
    """,
    P.TAX_CLASS: """
        taxclass taxclassname taxcategory vatclass varianttaxcode taxcode customertaxes salestax
        taxrate vatrate tax vat steuerklasse steuersatz mwstsatz mehrwertsteuer mwst ust
        classedetaxe classefiscale tauxdetva tauxtva tva clasedeimpuesto claseimpuesto
        tipodeiva tipoiva impuestos impuesto iva classedeimposto taxadeiva imposto
        classediimposta aliquotaiva aliquota btwklasse btwtarief btw skatteklass momssats
        moms momskode mva mvasats stawkavat vatlaji alvkanta alv kdvorani kdv sazbadph dph
        afakulcs afa cotatva ндс
    """,
    P.WARRANTY_MONTHS: """
        warrantymonths warrantyinmonths monthsofwarranty warranty warrantyperiod guaranteemonths
        guarantee garantiemonate garantieinmonaten monategarantie garantiezeit
        gewahrleistungsmonate gewahrleistung garantiemois garantieenmois dureegarantie
        garantiameses mesesdegarantia garantiaenmeses garantiaemmeses garantia garanziamesi
        mesidigaranzia garanzia garantiemaanden garantie garantimanader garantimaneder garanti
        gwarancjamiesiace gwarancja takuukuukausina takuu garantisuresi zarukamesice zaruka
        garancia garanntie гарантия
    """,
    P.REPLENISHMENT_DAYS: """
        replenishmentdays daysofreplenishment lastsdays daysitlasts lasts refilldays rebuydays
        repurchasedays daysofsupply replenishment nachkauftage nachfulltage haltbartage
        reichweiteintagen reichttage joursdereapprovisionnement joursreappro
        diasdereposicion diasreposicion diasdereposicao diasreposicao giornidiriacquisto
        giorniriacquisto navuldagen aterkopsdagar genkobsdage
    """,
    P.TRACKS_STOCK: """
        tracksstock trackstock trackinventory trackquantity managestock inventorytracker
        variantinventorytracker inventorytracked istracked stockable stockmanaged lagerfuhrung
        lagergefuhrt bestandsfuhrung bestandfuhren gererlestock suividestock gestiondestock
        controlarstock gestionarinventario controlarestoque gerirstock gestiscimagazzino
        voorraadbeheren sparalager
    """,
    P.ON_HAND: """
        onhand quantityonhand qtyonhand stockonhand stock stockquantity stockqty stocklevel
        variantinventoryqty inventoryquantity inventoryqty inventory unitsinstock instockquantity
        currentquantity currentstock openingstock qtyavailable availablequantity quantity qty
        available lagerbestand anfangsbestand bestand lagermenge lager stuckzahl menge anzahl
        quantiteenstock quantitestock stockactuel stockinitial quantite enstock existencias
        cantidadenstock stockactual stockinicial cantidad unidades quantidadeemestoque
        estoqueatual estoque quantidade giacenza quantitainstock quantita scorte voorraad
        aantalopvoorraad aantal lagersaldo lagerantal antalilager antal lagerbeholdning
        lagerstatus antall beholdning stanmagazynowy stan ilosc varastosaldo saldo maara
        stokadedi stokmiktari stok miktar adet skladem mnozstvi pocetkusu pocet keszlet
        mennyiseg stoc cantitate остаток количество 在庫数 在庫 数量 库存 재고 수량
        αποθεμα tonkho soluong
    """,
    P.LOW_STOCK: """
        lowstock lowstockamount lowstocklevel lowstockthreshold lowat stockalertcount alertquantity
        reorderlevel reorderpoint reorderat minimumstock minstock minimumquantity minquantity
        minqty minimum parlevel meldebestand mindestbestand minbestand mindestmenge
        seuildalerte seuilalerte stockminimum stockminimal stockmin stockminimo puntodepedido
        minimo estoqueminimo scortaminima sottoscorta minimumvoorraad minimivoorraad
        minimilager minstalager mindstelager minimumslager stanminimalny minimumstok
        minimalnistav minimalnizasoba минимальныйостаток
    """,
    P.STATUS: """
        status productstatus itemstatus poststatus isactive active published
        publishedononlinestore enabled isenabled sellable state zustand aktiv istaktiv
        veroffentlicht statut actif publie estado activo publicado ativo stato attivo
        pubblicato actief gepubliceerd publicerad aktywny tila aktiivinen durum aktivni stav
        статус активен
    """,
    P.DISCONTINUED: """
        discontinued archived isarchived obsolete inactive isdiscontinued auslaufartikel
        ausgelaufen archiviert abandonne archive descatalogado descontinuado archivado
        arquivado fuoriproduzione archiviato vervallen gearchiveerd utgatt arkiverad udgaet
        wycofany
    """,
    P.DESCRIPTION: """
        description productdescription bodyhtml body salesdescription longdescription
        fulldescription itemdescription shortdescription content postcontent beschreibung
        produktbeschreibung artikelbeschreibung langtext langbeschreibung kurzbeschreibung
        descriptionduproduit descriptif descripcion descripciondelproducto descripcionlarga
        descricao descricaodoproduto descrizione descrizioneprodotto omschrijving
        productomschrijving beschrijving beskrivning produktbeskrivning beskrivelse
        produktbeskrivelse opis opisproduktu kuvaus tuotekuvaus aciklama popis leiras
        descriere описание 説明 商品説明 描述 설명 περιγραφη mota
    """,
}

OPTIONS = """
    size colour color flavour flavor scent material length width weight style pattern strength
    shade groesse grosse farbe geschmack duft lange breite gewicht taille couleur gout parfum
    longueur poids talla color sabor aroma tamano longitud peso tamanho cor taglia colore
    gusto misura maat kleur smaak geur storlek farg smak storrelse farve duft farge rozmiar
    kolor smak koko vari beden renk boyut velikost barva meret szin marime culoare размер цвет
    サイズ 色 尺码 颜色
"""
"""Headers that name an option themselves: what stands below is its value."""

COUNTED = """
    quantity qty count counted countedquantity newquantity openingstock openingquantity
    openingbalance onhand stock
"""
"""Better words for how many there are, in a list of nothing but stock."""

STARTS: dict[str, ProductField] = {
    "currentquantity": P.ON_HAND,
    "stockalertcount": P.LOW_STOCK,
}
"""Headers that go on with the name of a place: "Current Quantity Main Street"."""

BELONGING = (
    "product", "products", "item", "items", "variant", "article", "artikel", "produkt", "produit",
    "producto", "produto", "prodotto", "stock", "inventory", "my", "default",
)  # fmt: skip
"""Words before a known one that change nothing: "Item Barcode", "Product_Price"."""

ACTIVE = """
    active published publish yes onsale forsale available enabled live visible 1 true aktiv actif
    activo ativo attivo actief publie publicado pubblicato veroffentlicht aktywny aktivni y x
    publicerad aktiivinen
"""
DRAFT = """
    draft unpublished pending private hidden entwurf brouillon borrador rascunho bozza concept
    utkast kladde szkic luonnos taslak koncept privat unlisted
"""
ARCHIVED = """
    archived archive inactive discontinued deleted trash disabled obsolete ended archiviert inaktiv
    ausgelaufen archive inactif archivado inactivo arquivado inativo archiviato inattivo
    gearchiveerd inactief arkiverad inaktiivinen pasif
"""
